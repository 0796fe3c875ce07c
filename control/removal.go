package control

import "time"

// Removal is the record of a file that was taken away at a destination, since it had left its folder or, from the trash,
// since its time there was over.
type Removal struct {
	ID          string    `json:"id"`
	Folder      string    `json:"folder"`
	Destination string    `json:"destination"`
	Path        string    `json:"path"`
	PathB64     []byte    `json:"path_b64,omitempty"` // where path is not UTF-8
	RemotePath  string    `json:"remote_path"`        // where it was
	Size        int64     `json:"size"`
	SHA256      string    `json:"sha256,omitempty"`
	Trash       string    `json:"trash,omitempty"` // where it went; "" where it was removed
	RemovedAt   time.Time `json:"removed_at"`
}

func restoreRemovals(all []Removal) {
	for i := range all {
		restore(&all[i].Path, all[i].PathB64)
	}
}
