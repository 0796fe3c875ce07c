//go:build unix

package e2e

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// browser is a headless Chromium that is spoken to over a pipe, by https://chromedevtools.github.io/devtools-protocol/.
type browser struct {
	t       *testing.T
	to      *os.File
	session string

	mu       sync.Mutex
	id       int
	answers  map[int]chan json.RawMessage
	asked    []string // URLs
	troubles []string // of the page
}

// newBrowser starts Debian's chromium, with a page that has nothing in it.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	program := sftptest.Program(t, "chromium", "chromium")
	fromUs, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, toUs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	profile, err := os.MkdirTemp("", "dropferry-browser-")
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
		"--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe", "--user-data-dir="+profile, "about:blank")
	c.ExtraFiles = []*os.File{fromUs, toUs}
	tie(c)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_ = fromUs.Close() // the browser has them
	_ = toUs.Close()
	b := &browser{t: t, to: to, answers: map[int]chan json.RawMessage{}}
	done := make(chan struct{})
	go func() { defer close(done); b.listen(from) }()
	t.Cleanup(func() {
		_ = c.Process.Kill() // it keeps nothing
		_ = c.Wait()
		_ = to.Close()
		_ = from.Close()
		<-done
		_ = os.RemoveAll(profile) // its processes end by themselves, and may write a last file meanwhile
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	b.call("Emulation.setScrollbarsHidden", map[string]any{"hidden": true}, nil)
	for _, domain := range []string{"Page", "Runtime", "Network", "Log"} {
		b.call(domain+".enable", map[string]any{}, nil)
	}
	return b
}

// listen takes answers and events until the browser has ended.
func (b *browser) listen(from *os.File) {
	in := bufio.NewReader(from)
	for {
		text, err := in.ReadBytes(0)
		if err != nil {
			return
		}
		var m struct {
			ID     int
			Method string
			Result json.RawMessage
			Error  json.RawMessage
			Params struct {
				Request          struct{ URL string }
				ExceptionDetails json.RawMessage
				Entry            struct{ Level, Text, URL string }
			}
		}
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		switch {
		case m.ID != 0:
			if m.Error != nil {
				b.troubles = append(b.troubles, string(m.Error))
			}
			b.answers[m.ID] <- m.Result
		case m.Method == "Network.requestWillBeSent":
			b.asked = append(b.asked, m.Params.Request.URL)
		case m.Method == "Runtime.exceptionThrown":
			b.troubles = append(b.troubles, string(m.Params.ExceptionDetails))
		case m.Method == "Log.entryAdded" && m.Params.Entry.Level == "error":
			b.troubles = append(b.troubles, m.Params.Entry.Text+" "+m.Params.Entry.URL)
		}
		b.mu.Unlock()
	}
}

// call asks the browser for something, and decodes its answer.
func (b *browser) call(method string, params map[string]any, result any) {
	b.t.Helper()
	b.mu.Lock()
	b.id++
	answer := make(chan json.RawMessage, 1)
	b.answers[b.id] = answer
	m := map[string]any{"id": b.id, "method": method, "params": params}
	if b.session != "" {
		m["sessionId"] = b.session
	}
	b.mu.Unlock()
	text, err := json.Marshal(m)
	if err == nil {
		_, err = b.to.Write(append(text, 0))
	}
	if err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	select {
	case text := <-answer:
		if result != nil {
			if err := json.Unmarshal(text, result); err != nil {
				b.t.Fatalf("%s: %v: %s", method, err, text)
			}
		}
	case <-time.After(time.Minute):
		b.t.Fatalf("%s: the browser does not answer", method)
	}
}

// open goes to a URL.
func (b *browser) open(url string) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": url}, nil)
}

// eval returns the value of an expression in the page, as text.
func (b *browser) eval(expression string) string {
	b.t.Helper()
	var r struct {
		Result struct{ Value any }
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &r)
	return fmt.Sprint(r.Result.Value)
}

// shows waits until the page's text has all of these.
func (b *browser) shows(texts ...string) {
	b.t.Helper()
	eventually(b.t, fmt.Sprintf("the page shows %q", texts), time.Minute, func() bool {
		text := b.eval("document.body?.innerText ?? ''")
		for _, want := range texts {
			if !strings.Contains(text, want) {
				return false
			}
		}
		return true
	})
}

// click presses the button of that name.
func (b *browser) click(name string) {
	b.t.Helper()
	const find = `(() => { const x = [...document.querySelectorAll('button, a')].find(x => x.textContent.trim() === %q); x?.click(); return !!x })()`
	if b.eval(fmt.Sprintf(find, name)) != "true" {
		b.t.Fatalf("there is no button %q in\n%s", name, b.eval("document.body.innerText"))
	}
}

// press presses a key that may write a text.
func (b *browser) press(key string, code int, text string) {
	b.t.Helper()
	for _, kind := range []string{"keyDown", "keyUp"} {
		b.call("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text}, nil)
		text = ""
	}
}

// wide makes the window so wide, in pixels, dark or light.
func (b *browser) wide(width int, scheme string) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// fits makes sure that a view is not wider than its window.
func (b *browser) fits(view string) {
	b.t.Helper()
	if over := b.eval("document.documentElement.scrollWidth - document.documentElement.clientWidth"); over != "0" {
		b.t.Errorf("%s is %s pixels too wide", view, over)
	}
}

// isContent makes sure that the browser has asked nobody but the agent at address, and had nothing to complain of but what is known to
// come.
func (b *browser) isContent(address string, but ...string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, url := range b.asked {
		if !strings.HasPrefix(url, address+"/") && url != "about:blank" && !strings.HasPrefix(url, "data:") { // the browser draws its own buttons
			b.t.Errorf("the page asks elsewhere: %s", url)
		}
	}
	for _, trouble := range b.troubles {
		if strings.Contains(trouble, "favicon.ico") { // which it has asked for before it was signed in
			continue
		}
		if slices.ContainsFunc(but, func(known string) bool { return strings.Contains(trouble, known) }) {
			continue
		}
		b.t.Errorf("the browser complains: %s", trouble)
	}
}

// picture keeps what the page looks like, where DROPFERRY_PICTURES names a directory.
func (b *browser) picture(name string) {
	b.t.Helper()
	dir := os.Getenv("DROPFERRY_PICTURES")
	if dir == "" {
		return
	}
	var shot struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	text, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		text, err = smaller(text)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), text, 0o644)
	}
	if err != nil {
		b.t.Error(err)
	}
}

// smaller returns a PNG with its 256 most frequent colours, which are nearly all that a page has: a third of the bytes.
func smaller(text []byte) ([]byte, error) {
	full, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	counts := map[color.Color]int{}
	area := full.Bounds()
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			counts[full.At(x, y)]++
		}
	}
	colours := slices.Collect(maps.Keys(counts))
	slices.SortFunc(colours, func(a, b color.Color) int { return counts[b] - counts[a] })
	few := image.NewPaletted(area, colours[:min(len(colours), 256)])
	draw.Draw(few, area, full, area.Min, draw.Src)
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, few)
	return out.Bytes(), err
}
