package monolith

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// sink is a log that can be read while it is written, and that can be made to wait.
type sink struct {
	mu     sync.Mutex
	b      bytes.Buffer
	writes int
	gate   chan struct{} // where not nil, a write waits for it
	fail   error
}

func (s *sink) Write(b []byte) (int, error) {
	if s.gate != nil {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	s.b.Write(b)
	return len(b), s.fail
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestLinesAreWrittenWholeAndInTheirOrder(t *testing.T) {
	s := &sink{}
	l := newLines(s)
	const writers, each = 8, 500
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				if _, err := fmt.Fprintf(l, "%d %d\n", w, n); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	next := make([]int, writers)
	for line := range strings.Lines(s.String()) {
		var w, n int
		if _, err := fmt.Sscanf(line, "%d %d\n", &w, &n); err != nil || n != next[w] {
			t.Fatalf("after %d of writer %d: %q, %v", next[w], w, line, err)
		}
		next[w]++
	}
	for w, n := range next {
		if n != each {
			t.Errorf("%d lines of writer %d, not %d", n, w, each)
		}
	}
	if s.writes > writers*each/4 {
		t.Errorf("%d writes of %d lines", s.writes, writers*each)
	}
}

func TestALineIsWrittenWithoutACloseOrAnotherLine(t *testing.T) {
	s := &sink{}
	l := newLines(s)
	fmt.Fprintln(l, "one")
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); s.String() != "one\n"; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("the line was not written")
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWritersWaitForALogThatIsFull(t *testing.T) {
	s := &sink{gate: make(chan struct{})}
	l := newLines(s)
	full := bytes.Repeat([]byte("x"), maxPending)
	written := make(chan int, 3)
	go func() {
		for n := range 3 {
			if _, err := l.Write(full); err != nil {
				t.Error(err)
			}
			written <- n
		}
	}()
	// The first fills it; at most one more fits while the first is on its way to the disk.
	<-written
	close(s.gate)
	<-written
	<-written
	if err := l.Close(); err != nil || s.b.Len() != 3*maxPending {
		t.Errorf("%d bytes, %v", s.b.Len(), err)
	}
}

func TestALogThatCannotBeWrittenIsTold(t *testing.T) {
	broken := errors.New("no space left")
	l := newLines(&sink{fail: broken})
	fmt.Fprintln(l, "one")
	if err := l.Close(); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if err := l.Close(); !errors.Is(err, broken) {
		t.Errorf("closed twice: %v", err)
	}
	if _, err := fmt.Fprintln(l, "two"); err == nil {
		t.Error("a closed log takes lines")
	}
}
