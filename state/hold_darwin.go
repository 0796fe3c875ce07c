package state

// openFileLock is F_OFD_SETLK of <sys/fcntl.h>, which x/sys/unix does not name for this system.
const openFileLock = 90
