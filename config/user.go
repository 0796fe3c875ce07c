package config

// UserStateDir returns the directory of the account's own state, whatever the account is. It is empty for an account
// without a home directory.
func UserStateDir() string { return thisSystem().userState }
