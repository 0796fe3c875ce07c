package agent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/syncer"
)

// Trial is a small file that is delivered as every file is, to see that it works before it has to.
type Trial struct {
	To      string // DEST:PATH, as for a Put
	content string
}

// trialPatience is how long a trial goes on without progress. Somebody waits for it.
const trialPatience = 30 * time.Second

// NewTrial returns a trial for a destination and a directory below its root. Where the directory has placeholders, it is what
// stands in front of them. The name is one of its own, and says what it is.
func NewTrial(c *config.Config, destination, directory string, now time.Time) Trial {
	if at := strings.IndexByte(directory, '{'); at >= 0 {
		directory = directory[:strings.LastIndexByte(directory[:at], '/')+1]
	}
	stamp := now.UTC().Format("20060102T150405Z")
	return Trial{
		To:      destination + ":" + path.Join(directory, "dropferry-test-"+stamp+".txt"),
		content: fmt.Sprintf("A test by dropferry (%s, %s). Nobody needs this file: it may be removed.\n", c.Agent.Name, stamp),
	}
}

// put is the trial as an upload whose content is read back.
func (t Trial) put() *Put {
	sum := sha256.Sum256([]byte(t.content))
	return &Put{
		File: StreamName, Stream: strings.NewReader(t.content), To: t.To,
		Size: int64(len(t.content)), SHA256: sum[:], Verify: string(remote.Content), Patience: trialPatience,
	}
}

// Send delivers the file. Errors are those of Put.Run.
func (t Trial) Send(ctx context.Context, c *config.Config) (syncer.PutResult, error) {
	return t.put().Run(ctx, c)
}

// Remove removes the file again, if it still is what was sent. taken tells that it was gone.
func (t Trial) Remove(ctx context.Context, c *config.Config) (taken bool, err error) {
	p := t.put()
	place, err := p.Place(c)
	if err != nil {
		return false, err
	}
	s, err := remote.Dial(ctx, targetOf(c, place.Destination))
	if err != nil {
		return false, err
	}
	defer s.Close()
	sum, err := s.ReadBack(ctx, place.Final)
	switch {
	case remote.KindOf(err) == remote.Missing:
		return true, nil
	case err != nil:
		return false, err
	case !bytes.Equal(sum, p.SHA256):
		return false, fmt.Errorf("%s is not what was sent any more, and stays", place)
	}
	return false, s.Remove(ctx, place.Final)
}
