//go:build linux || darwin

package service

import "errors"

// errNotRoot says who may change the system's services.
var errNotRoot = errors.New("only root may do that: put sudo in front of it")
