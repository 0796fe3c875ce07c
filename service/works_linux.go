package service

import (
	"os"
	"path/filepath"
	"strings"
)

// WorksWith names the service that works with a configuration, of those that `service install` has been given one for.
func WorksWith(config string) (name string, is bool) { return worksWith(adminUnits, config) }

func worksWith(units, config string) (name string, is bool) {
	files, err := filepath.Glob(filepath.Join(units, DefaultName+"*.service"))
	if err != nil {
		return "", false
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil && config != "" && configIn(string(text)) == config {
			return strings.TrimSuffix(filepath.Base(file), ".service"), true
		}
	}
	return "", false
}
