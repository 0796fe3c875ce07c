package logs

// ownAsDirectory does nothing: files inherit their access from the directory.
func ownAsDirectory(string) error { return nil }
