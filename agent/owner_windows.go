package agent

// giveTo does nothing: files inherit the rights of the state directory.
func giveTo(string, string) error { return nil }
