//go:build !linux && !darwin

package sftptest

import "github.com/pkg/sftp"

func statVFS(string) (*sftp.StatVFS, error) { return nil, Unsupported }
