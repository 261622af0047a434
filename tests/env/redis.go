package env

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// RedisServer is a Redis server of one test, which may halt, kill and restart it. It keeps nothing on disk.
type RedisServer struct {
	t       testing.TB
	address string
	command command
	process *process
}

// Redis starts a Redis server for one test, with the given options beside its own, such as --maxmemory 3mb. It ends with the test.
func Redis(t testing.TB, options ...string) *RedisServer {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatalf("Redis: %v; `make setup` installs what the tests need", err)
	}
	args := []string{"--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--daemonize", "no"}
	s := &RedisServer{t: t, address: "127.0.0.1:" + port, command: command{path: path, args: append(args, options...)}}
	s.Start()
	t.Cleanup(s.Kill)
	return s
}

// URL returns where the server is, such as redis://127.0.0.1:40001/0.
func (s *RedisServer) URL() string { return "redis://" + s.address + "/0" }

// Start starts a server that was killed, empty, on the port it had.
func (s *RedisServer) Start() {
	s.t.Helper()
	p, err := launch(s.command)
	if err != nil {
		s.t.Fatalf("Redis: %v", err)
	}
	s.process = p
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(startWithin); ; <-tick.C {
		if err = s.ping(); err == nil {
			return
		}
		select {
		case <-p.ended:
			s.t.Fatalf("Redis: %v", errors.Join(errEnded, p.status, errors.New(p.tail())))
		default:
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("Redis: no answer within %s: %v: %s", startWithin, err, p.tail())
		}
	}
}

func (s *RedisServer) ping() error {
	answer, err := s.say("PING")
	if err == nil && answer != "+PONG" {
		err = fmt.Errorf("it says %q", answer)
	}
	return err
}

// say sends one inline command (RESP, "Inline commands") and returns the first line of the answer.
func (s *RedisServer) say(command string) (string, error) {
	c, err := net.DialTimeout("tcp", s.address, time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return "", err
	}
	if _, err := c.Write([]byte(command + "\r\n")); err != nil {
		return "", err
	}
	answer, err := bufio.NewReader(c).ReadString('\n')
	return strings.TrimSpace(answer), err
}

// Fill has a server that was started with --maxmemory take no more.
func (s *RedisServer) Fill() {
	s.t.Helper()
	for size := 1 << 16; size > 0; size /= 2 {
		for i := 0; ; i++ {
			answer, err := s.say(fmt.Sprintf("SETRANGE fill:%d:%d %d x", size, i, size-1))
			if err != nil {
				s.t.Fatalf("Redis: %v", err)
			}
			if strings.HasPrefix(answer, "-OOM") {
				break
			}
		}
	}
}

// Signal sends the server a signal: SIGSTOP has it hang, SIGCONT go on.
func (s *RedisServer) Signal(signal os.Signal) {
	s.t.Helper()
	if err := s.process.cmd.Process.Signal(signal); err != nil {
		s.t.Fatalf("Redis: %v", err)
	}
}

// Kill ends the server at once. One that has ended may be killed again.
func (s *RedisServer) Kill() {
	s.t.Helper()
	if err := s.process.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Errorf("Redis: %v", err)
	}
	<-s.process.ended
	if err := s.process.log.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		s.t.Errorf("Redis: %v", err)
	}
}
