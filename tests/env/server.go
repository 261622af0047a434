package env

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startWithin = 90 * time.Second // a cold JVM on a busy machine
	stopWithin  = 10 * time.Second
)

type command struct {
	path string
	args []string
	env  []string // beside the process's own
}

// server is a program that is started when the first test asks for it.
type server struct {
	name    string
	health  string // a path that answers, with any status below 500, when it is ready
	command func(tools, port string) (command, error)

	once sync.Once
	url  string
	err  error
}

func (s *server) endpoint(t testing.TB) string {
	t.Helper()
	s.once.Do(func() { s.url, s.err = s.start() })
	if s.err != nil {
		t.Fatalf("%s: %v", s.name, s.err)
	}
	return s.url
}

// start tries a few ports, since a free one can be taken before the server gets to it.
func (s *server) start() (url string, err error) {
	tools, err := Tools()
	if err != nil {
		return "", err
	}
	for range 3 {
		port, err := freePort()
		if err != nil {
			return "", err
		}
		cmd, err := s.command(tools, port)
		if err == nil {
			cmd.path, err = exec.LookPath(cmd.path)
		}
		if err != nil {
			return "", fmt.Errorf("%w; `make setup` fetches what the tests need", err)
		}
		url = "http://127.0.0.1:" + port
		p, err := launch(cmd)
		if err != nil {
			return "", err
		}
		if err = p.answers(url + s.health); err == nil {
			running.Lock()
			running.stop = append(running.stop, p.stop)
			running.Unlock()
			return url, nil
		}
		if !errors.Is(err, errEnded) {
			return "", errors.Join(err, p.stop())
		}
		s.err = err
	}
	return "", s.err
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

// process is a started program. When it has ended, status says how and ended is closed.
type process struct {
	cmd    *exec.Cmd
	log    *os.File
	ended  chan struct{}
	status error
}

// launch starts the program in a goroutine that keeps its thread: on Linux the program is told to end when that thread does,
// which is when this process ends in any way, a panic or a timeout of the tests included.
func launch(c command) (*process, error) {
	log, err := os.CreateTemp("", "nowgo-env-*.log")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(log.Name()); err != nil { // it stays readable through the handle, and nothing is left behind
		return nil, err
	}
	p := &process{cmd: exec.Command(c.path, c.args...), log: log, ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), c.env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = endWithParent()
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.ended)
		err := p.cmd.Start()
		if err == nil {
			started <- nil
			p.status = p.cmd.Wait()
			return
		}
		started <- err
	}()
	return p, <-started
}

var errEnded = errors.New("it ended at once")

// answers polls until the address answers.
func (p *process) answers(address string) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	client := http.Client{Timeout: 2 * time.Second}
	for deadline := time.Now().Add(startWithin); time.Now().Before(deadline); {
		select {
		case <-p.ended:
			return errors.Join(errEnded, p.status, errors.New(p.tail()))
		case <-tick.C:
		}
		res, err := client.Get(address)
		if err != nil {
			continue
		}
		if err := res.Body.Close(); err != nil {
			return err
		}
		if res.StatusCode < 500 {
			return nil
		}
	}
	return fmt.Errorf("no answer within %s: %s", startWithin, p.tail())
}

// tail returns the last of what the program wrote.
func (p *process) tail() string {
	const most = 4 << 10
	size, err := p.log.Seek(0, io.SeekEnd)
	if err != nil {
		return err.Error()
	}
	b := make([]byte, min(size, most))
	if _, err := p.log.ReadAt(b, size-int64(len(b))); err != nil && !errors.Is(err, io.EOF) {
		return err.Error()
	}
	return strings.TrimSpace(string(b))
}

// stop asks the program to end, and makes it.
func (p *process) stop() error {
	defer p.log.Close()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopWithin):
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.ended
	return nil
}
