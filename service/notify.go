package service

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Notifier is systemd as a host: it hears of everything over the datagram socket that it has named. See sd_notify(3).
type Notifier struct {
	patience time.Duration

	mu   sync.Mutex
	conn net.Conn
}

var _ Host = (*Notifier)(nil)

// sendTimeout bounds a message: a systemd that does not read is no reason to stop delivering.
const sendTimeout = 5 * time.Second

// Systemd returns the host that the environment names, nil where there is none. It takes the names out of the
// environment, so that no command that the program starts speaks in its name.
func Systemd() (*Notifier, error) {
	socket, watchdog, pid := os.Getenv("NOTIFY_SOCKET"), os.Getenv("WATCHDOG_USEC"), os.Getenv("WATCHDOG_PID")
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		if err := os.Unsetenv(name); err != nil {
			return nil, err
		}
	}
	if socket == "" {
		return nil, nil
	}
	patience, err := patienceIn(watchdog, pid, os.Getpid())
	if err != nil {
		return nil, err
	}
	// Go takes a leading @ for the abstract namespace, as systemd does.
	conn, err := net.Dial("unixgram", socket)
	if err != nil {
		return nil, fmt.Errorf("notify systemd at $NOTIFY_SOCKET: %w", err)
	}
	return &Notifier{patience: patience, conn: conn}, nil
}

// patienceIn returns how long systemd waits for a sign of life, 0 where it does not ask this process for one.
func patienceIn(usec, pid string, self int) (time.Duration, error) {
	if usec == "" || pid != "" && pid != strconv.Itoa(self) {
		return 0, nil
	}
	n, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || n <= 0 || n > int64(time.Duration(1<<63-1)/time.Microsecond) {
		return 0, errors.New("$WATCHDOG_USEC = " + strconv.Quote(usec) + " is not a number of microseconds")
	}
	return time.Duration(n) * time.Microsecond, nil
}

// Ready implements Host.
func (n *Notifier) Ready() { n.send("READY=1") }

// Reloading implements Host. The clock tells systemd which READY answers which request.
func (n *Notifier) Reloading() {
	n.send("RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(monotonic().Microseconds(), 10))
}

// Stopping implements Host. Without the extension systemd would kill what it was told to wait for.
func (n *Notifier) Stopping(within time.Duration) {
	n.send("STOPPING=1\nEXTEND_TIMEOUT_USEC=" + strconv.FormatInt(within.Microseconds(), 10))
}

// Status implements Host.
func (n *Notifier) Status(text string) {
	n.send("STATUS=" + strings.ReplaceAll(text, "\n", " "))
}

// Alive implements Host.
func (n *Notifier) Alive() { n.send("WATCHDOG=1") }

// Patience implements Host.
func (n *Notifier) Patience() time.Duration { return n.patience }

// Reloads implements Host: systemd sends SIGHUP.
func (n *Notifier) Reloads() <-chan struct{} { return nil }

// Close says nothing more.
func (n *Notifier) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = n.conn.Close()
}

// send writes one message. Nothing can be done about one that is lost: systemd draws its own conclusions.
func (n *Notifier) send(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = n.conn.SetWriteDeadline(time.Now().Add(sendTimeout))
	_, _ = n.conn.Write([]byte(text))
}
