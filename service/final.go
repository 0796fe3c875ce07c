package service

// Final is an end that a new start would not change: the configuration is wrong, say. The system does not start the
// service again after it, as it does after any other error.
type Final struct {
	Err  error
	Code int // the program's exit code for it
}

// Error returns the words of the error.
func (f *Final) Error() string { return f.Err.Error() }

// Unwrap returns the error.
func (f *Final) Unwrap() error { return f.Err }
