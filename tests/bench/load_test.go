package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"
)

// result is of one round.
type result struct {
	requests int
	p99      time.Duration
	err      error
}

type load struct{ rounds []result }

func (l *load) add(b *testing.B, r result) {
	b.Helper()
	if r.err != nil {
		b.Fatal(r.err)
	}
	l.rounds = append(l.rounds, r)
}

func (l load) ratios(other load, of func(result) float64) []float64 {
	all := make([]float64, len(l.rounds))
	for i := range l.rounds {
		all[i] = of(l.rounds[i]) / of(other.rounds[i])
	}
	return all
}

func (l load) perSecond() float64 {
	all := make([]float64, len(l.rounds))
	for i, r := range l.rounds {
		all[i] = float64(r.requests) / roundTime.Seconds()
	}
	return median(all)
}

func (l load) p99() time.Duration {
	all := make([]time.Duration, len(l.rounds))
	for i, r := range l.rounds {
		all[i] = r.p99
	}
	return median(all)
}

// drive asks on all connections, for one round. Its client is a few reads and writes, since one as heavy as net/http's would hide
// what the servers cost behind its own cost.
func drive(address string, request []byte, connections int) result {
	took := make([][]time.Duration, connections)
	errs := make([]error, connections)
	until := time.Now().Add(roundTime)
	var wg sync.WaitGroup
	for n := range connections {
		wg.Go(func() {
			c, err := dial(address)
			if err != nil {
				errs[n] = err
				return
			}
			defer c.Close()
			for began := time.Now(); began.Before(until); {
				if _, errs[n] = c.ask(request); errs[n] != nil {
					return
				}
				now := time.Now()
				took[n] = append(took[n], now.Sub(began))
				began = now
			}
		})
	}
	wg.Wait()
	var all []time.Duration
	for n := range connections {
		if errs[n] != nil {
			return result{err: errs[n]}
		}
		all = append(all, took[n]...)
	}
	return result{requests: len(all), p99: quantile(all, 0.99)}
}

// ask makes one request on a connection of its own and returns the body.
func ask(b *testing.B, address string, request []byte) []byte {
	b.Helper()
	c, err := dial(address)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	body, err := c.ask(request)
	if err != nil {
		b.Fatal(err)
	}
	return bytes.Clone(body)
}

// connection is a client that keeps its connection and reads answers that have a Content-Length.
type connection struct {
	net.Conn
	in   *bufio.Reader
	body []byte
}

func dial(address string) (*connection, error) {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return nil, err
	}
	return &connection{Conn: c, in: bufio.NewReaderSize(c, 64<<10)}, nil
}

// ask returns a body that is valid until the next call.
func (c *connection) ask(request []byte) ([]byte, error) {
	status, body, err := c.answer(request)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("answered with %d: %s", status, body)
	}
	return body, err
}

// answer is ask for any status.
func (c *connection) answer(request []byte) (int, []byte, error) {
	if _, err := c.Write(request); err != nil {
		return 0, nil, err
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, nil, fmt.Errorf("answered with %s", line)
	}
	status, err := strconv.Atoi(string(line[len("HTTP/1.1 "):len("HTTP/1.1 200")]))
	if err != nil {
		return 0, nil, fmt.Errorf("answered with %s", line)
	}
	length := -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		if len(line) == len("\r\n") {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, nil, err
			}
		}
	}
	if length < 0 {
		return 0, nil, fmt.Errorf("no Content-Length: %w", os.ErrInvalid)
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	_, err = io.ReadFull(c.in, c.body[:length])
	return status, c.body[:length], err
}
