package service

import "time"

// monotonic is never asked for: Windows has no systemd.
func monotonic() time.Duration { return 0 }
