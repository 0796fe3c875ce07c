package syncer

import "testing"

func runAs(t *testing.T, _ uint32, _ string) ([]byte, error) {
	t.Helper()
	t.Skip("there is no such account")
	return nil, nil
}
