package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/tests/binaries"
	"github.com/nowgo/agents/tests/journey"
)

const (
	rounds    = 7
	roundTime = 2 * time.Second
)

// BenchmarkReadByID compares GET /v1/agents/{id} through the monolith, authorized, its log in a file, with a bare net/http handler that
// reads the same bytes from a bbolt file. Each is a process of its own and is
// asked by the same connections in turn, as fast as it answers: a few, which leave the processors time to sleep and so count every
// waking, and as many as BenchmarkCommit has writers.
func BenchmarkReadByID(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "bin")
	if _, err := binaries.Build(b.Context(), binary, "", "./functions/monolith", "./tests/bench/bare"); err != nil {
		b.Fatal(err)
	}
	us := serve(b, filepath.Join(binary, "monolith"), "NOWGO_ADDR=127.0.0.1:0", "NOWGO_DATA="+filepath.Join(b.TempDir(), "data"),
		"NOWGO_ADMIN_EMAIL="+adminEmail, "NOWGO_ADMIN_PASSWORD="+adminPassword, "NOWGO_RATE_SHARE=1000")
	path, token := anAgent(b, us)
	request := []byte("GET " + path + " HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer " + token + "\r\nUser-Agent: bench\r\n\r\n")
	body := ask(b, us, request)
	them := serve(b, filepath.Join(binary, "bare"), "BARE_BODY="+string(body), "BARE_FILE="+filepath.Join(b.TempDir(), "bare.db"))
	if got := ask(b, them, request); !bytes.Equal(got, body) {
		b.Fatalf("the two do not answer alike: %s and %s", body, got)
	}
	for _, connections := range []int{8, 64} {
		compare(b, us, them, request, connections)
	}
}

func compare(b *testing.B, us, them string, request []byte, connections int) {
	b.Helper()
	var ours, theirs load
	for range rounds {
		ours.add(b, drive(us, request, connections))
		theirs.add(b, drive(them, request, connections))
	}
	per := ours.ratios(theirs, func(r result) float64 { return float64(r.requests) })
	p99 := ours.ratios(theirs, func(r result) float64 { return float64(r.p99) })
	what := fmt.Sprintf("read by id over HTTP, %d connections, ", connections)
	note(b, what+"requests/s", fmt.Sprintf("%.0f", ours.perSecond()), fmt.Sprintf("%.0f", theirs.perSecond()), median(per), "≥ 0.5", median(per) >= 0.5)
	note(b, what+"p99", ms(ours.p99()), ms(theirs.p99()), median(p99), "≤ 2.5", median(p99) <= 2.5)
	b.ReportMetric(median(per), fmt.Sprintf("requests-ratio-%d", connections))
	b.ReportMetric(median(p99), fmt.Sprintf("p99-ratio-%d", connections))
}

// serve starts a server and returns the host and port that it prints as a URL.
func serve(b *testing.B, binary string, environment ...string) string {
	b.Helper()
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), environment...)
	log, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			b.Error(err)
		}
		if err := errors.Join(cmd.Wait(), log.Close()); err != nil {
			b.Error(err)
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, rest, ok := strings.Cut(lines.Text(), "http://"); ok {
			go func() { // the pipe must not fill up
				for lines.Scan() {
				}
			}()
			return strings.TrimSpace(rest)
		}
	}
	b.Fatalf("%s did not say where it is", binary)
	return ""
}

// anAgent makes an agent in the monolith and returns its path and a token.
func anAgent(b *testing.B, address string) (path, token string) {
	b.Helper()
	d := journey.Deployment{URL: "http://" + address}
	root := d.As(b, d.As(b, "").Must(200, "POST", "/v1/auth/sign-in", object{"email": adminEmail, "password": adminPassword}).Text("access_token"))
	invited := root.Must(201, "POST", "/v1/clients", object{"name": "Loja Azul", "slug": "loja-azul", "languages": []string{"pt-BR", "en"},
		"administrator": object{"email": "ana@loja.example", "name": "Ana"}})
	token = d.As(b, "").Must(200, "POST", "/v1/auth/invitations/accept", object{"token": invited.Text("invitation", "token"), "name": "Ana",
		"password": "um-segredo-bem-comprido-42"}).Text("access_token")
	ana := d.As(b, token)
	profile := ana.Must(201, "POST", "/v1/profiles", object{"name": "Loja Azul", "industry": "retail", "size": object{"employees": 120}}).Text("id")
	agent := ana.Must(201, "POST", "/v1/agents", object{"profile_id": profile, "template": "retail", "name": "Sofia"}).Text("id")
	return "/v1/agents/" + agent, token
}
