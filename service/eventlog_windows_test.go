package service

import (
	"log/slog"
	"testing"
	"time"
)

func TestEventLogTakesRecords(t *testing.T) {
	log, err := OpenEventLog("dropferry-test")
	if err != nil {
		t.Fatal(err)
	}
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if err := log.Emit(slog.NewRecord(time.Now(), level, "a test", 0), []byte("a test\x00 with what no text holds")); err != nil {
			t.Errorf("%v: %v", level, err)
		}
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
}
