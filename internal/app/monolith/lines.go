package monolith

import (
	"errors"
	"io"
	"sync"
	"time"
)

const (
	linger     = time.Millisecond // that lines wait for others
	maxPending = 1 << 20          // bytes that wait before writers do
)

// lines writes what it is given a millisecond later, all of it together, so that no request waits for the log, nor for another
// request's line. What has waited that long is lost where the process is killed: the trail is what keeps what was done, not the log.
type lines struct {
	out io.Writer

	mu      sync.Mutex
	room    sync.Cond // signalled when what waited was written
	pending []byte
	closed  bool
	failed  error // of the last write

	wake  chan struct{} // holds one while lines wait
	ended chan struct{}
}

func newLines(out io.Writer) *lines {
	l := &lines{out: out, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	l.room.L = &l.mu
	go l.run()
	return l
}

// Write implements io.Writer. It fails after Close alone.
func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.pending) >= maxPending && !l.closed {
		l.room.Wait()
	}
	if l.closed {
		return 0, errors.New("the log is closed")
	}
	if l.pending = append(l.pending, line...); len(l.pending) == len(line) {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
	return len(line), nil
}

func (l *lines) run() {
	defer close(l.ended)
	var batch []byte
	for range l.wake {
		time.Sleep(linger)
		batch = l.flush(batch)
	}
	l.flush(batch)
}

// flush writes what waits and returns its memory for what comes next but one; spare is that of the flush before.
func (l *lines) flush(spare []byte) []byte {
	l.mu.Lock()
	batch := l.pending
	l.pending = spare[:0]
	l.mu.Unlock()
	if len(batch) == 0 {
		return batch
	}
	_, err := l.out.Write(batch)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = err
	l.room.Broadcast()
	return batch
}

// Close writes what waits. It returns the error of the last write. Nothing may be written after it.
func (l *lines) Close() error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.wake)
		l.room.Broadcast()
	}
	l.mu.Unlock()
	<-l.ended
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}
