package service

// WantsPassword tells whether the service manager wants the password of the account that a service is to run as.
func WantsPassword(name, given string) bool {
	who, err := accountOf(name, given)
	return err == nil && who.password
}
