//go:build !unix

package sftptest

import "errors"

func signalStop(int) error     { return errors.ErrUnsupported }
func signalContinue(int) error { return errors.ErrUnsupported }
