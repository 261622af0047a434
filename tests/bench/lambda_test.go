package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// process is a function's process on a small stub of the Lambda runtime API (Lambda Developer Guide, "Using the Lambda runtime
// API"): one event at a time goes in, its answer comes out.
type process struct {
	server *http.Server
	cmd    *exec.Cmd
	stderr strings.Builder
	ended  chan struct{}
	events chan []byte
	answer chan answer
	began  time.Time // just before the process was started
}

type answer struct {
	body   []byte
	failed bool // the function answered with an error
	at     time.Time
}

const answerWithin = 20 * time.Second

// start starts the binary with the environment.
func start(b *testing.B, binary string, environment []string) *process {
	b.Helper()
	p := &process{ended: make(chan struct{}), events: make(chan []byte, 1), answer: make(chan answer, 1)}
	listener, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	p.server = &http.Server{Handler: p.api(), ReadHeaderTimeout: answerWithin}
	go func() {
		if err := p.server.Serve(listener); err != http.ErrServerClosed {
			b.Error(err)
		}
	}()
	p.cmd = exec.Command(binary)
	p.cmd.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(), "PATH=" + os.Getenv("PATH")}, environment...)
	p.cmd.Stderr = &p.stderr
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // it is killed in the end
	}()
	return p
}

func (p *process) api() http.Handler {
	const base = "/2018-06-01/runtime"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base+"/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case event := <-p.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(answerWithin).UnixMilli()))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:bench")
			if _, err := w.Write(event); err != nil {
				return // the process has gone
			}
		case <-r.Context().Done():
		}
	})
	take := func(failed bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			p.answer <- answer{body, failed || err != nil, time.Now()}
			w.WriteHeader(http.StatusAccepted)
		}
	}
	mux.HandleFunc("POST "+base+"/invocation/{id}/response", take(false))
	mux.HandleFunc("POST "+base+"/invocation/{id}/error", take(true))
	mux.HandleFunc("POST "+base+"/init/error", take(true))
	return mux
}

// invoke sends an event and returns its answer and when it came.
func (p *process) invoke(b *testing.B, event any) answer {
	b.Helper()
	encoded, err := json.Marshal(event)
	if err != nil {
		b.Fatal(err)
	}
	p.events <- encoded
	select {
	case a := <-p.answer:
		if a.failed {
			b.Fatalf("%s failed: %s %s", p.cmd.Path, a.body, p.stderr.String())
		}
		return a
	case <-p.ended:
		b.Fatalf("%s ended: %s", p.cmd.Path, p.stderr.String())
	case <-time.After(answerWithin):
		b.Fatalf("%s did not answer", p.cmd.Path)
	}
	return answer{}
}

func (p *process) stop(b *testing.B) {
	b.Helper()
	select {
	case <-p.ended:
	default:
		if err := p.cmd.Process.Kill(); err != nil {
			b.Error(err)
		}
		<-p.ended
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := p.server.Shutdown(ctx); err != nil {
		b.Error(err)
	}
}
