// Package mounted has the file systems that tests mount for a while, on Linux.
//
// Nobody but root, or root of a user namespace, may mount anything, and not every kernel has every file system: a test that cannot have
// its mount is skipped, with the reason. Where DROPFERRY_REQUIRE_SSHD is 1, as `make test` sets, it fails instead, if the process may
// mount and the kernel has the file system: what it shows would go unseen otherwise.
package mounted
