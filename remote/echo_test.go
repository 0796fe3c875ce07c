package remote

import (
	"bytes"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// uploadToProve uploads what is going to be proved.
func uploadToProve(t *testing.T, s *Session, temp string, content []byte, at time.Time) []byte {
	t.Helper()
	u := Upload{Temp: temp, Size: int64(len(content)), ModTime: at, Proved: true}
	sum, err := s.Upload(t.Context(), u, bytes.NewReader(content))
	if want := sha256.Sum256(content); err != nil || !bytes.Equal(sum, want[:]) {
		t.Fatalf("upload: %x, %v", sum, err)
	}
	return sum
}

// A small file is proved by the time at which it is closed: Verify asks the server for nothing more, once.
func TestSmallFileIsReadBackAsItIsWritten(t *testing.T) {
	t.Parallel()
	server := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	target := sshdTarget(server)
	target.Keepalive = patience
	s := mustProbe(t, target)
	s.trip.least.Store(int64(time.Millisecond)) // on a busy machine too
	at := time.Unix(1700000000, 0)
	for _, size := range []int{1, readChunk, 4*readChunk + 1} {
		temp, content := target.Path("a.part"), random(size)
		sum := uploadToProve(t, s, temp, content, at)
		_, before := s.Traffic()
		info, evidence, err := s.Verify(t.Context(), temp, int64(size), sum, Content)
		if _, after := s.Traffic(); after != before {
			t.Errorf("%d bytes: %d bytes were sent to verify them", size, after-before)
		}
		if err != nil || evidence.Kind != ReadBack || info.Size != int64(size) || !info.ModTime.Equal(at) {
			t.Errorf("%d bytes: %+v, %+v, %v", size, info, evidence, err)
		}
		if _, _, err := s.Verify(t.Context(), temp, int64(size), sum, Content); err != nil {
			t.Errorf("%d bytes, once more: %v", size, err)
		}
		if _, after := s.Traffic(); after == before {
			t.Errorf("%d bytes: once more, and nothing was asked", size)
		}
	}
}

// Where the server lets nothing be read, the content is proved otherwise.
func TestSmallFileThatIsNotReadBackAsItIsWritten(t *testing.T) {
	t.Parallel()
	server := sftptest.StartSSHD(t, sftptest.SSHDOptions{Subsystem: "internal-sftp -P read"})
	target := sshdTarget(server)
	s := mustProbe(t, target)
	s.trip.least.Store(int64(time.Millisecond))
	temp, content := target.Path("a.part"), random(1000)
	sum := uploadToProve(t, s, temp, content, time.Time{})
	if _, evidence, err := s.Verify(t.Context(), temp, int64(len(content)), sum, Content); err != nil || evidence.Kind != RemoteHash {
		t.Errorf("evidence %+v, %v", evidence, err)
	}
}

// What was damaged on its way into the file is found.
func TestSmallFileThatIsDamagedAsItIsWritten(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, noEmpty(nil))
	target := serverTarget(server)
	target.Profile = "openssh"
	s := mustProbe(t, target)
	s.trip.least.Store(int64(time.Millisecond))
	server.Faults.Add(sftptest.Corrupt("a.part", 1))
	content := random(1000)
	sum := uploadToProve(t, s, "/a.part", content, time.Time{})
	_, _, err := s.Verify(t.Context(), "/a.part", int64(len(content)), sum, Auto)
	wantError(t, err, Integrity, "the server has other content")
}
