package bench

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nowgo/agents/tests/binaries"
	"github.com/nowgo/agents/tests/journey"
)

const (
	fairRounds = 9
	fairTime   = 4 * time.Second
	standard   = 100 // requests a second of the plan standard
	normal     = 80  // of each of the others
	greedyBy   = 10  // times its quota
)

// BenchmarkFairness compares how four clients within their quota are served beside one that asks for ten times its own, with how they
// are served alone, in turn, by the monolith in a process of its own. Each asks at a steady pace, whatever the others get.
func BenchmarkFairness(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "bin")
	if _, err := binaries.Build(b.Context(), binary, "", "./functions/monolith"); err != nil {
		b.Fatal(err)
	}
	address := serve(b, filepath.Join(binary, "monolith"), "NOWGO_ADDR=127.0.0.1:0", "NOWGO_DATA="+filepath.Join(b.TempDir(), "data"),
		"NOWGO_ADMIN_EMAIL="+adminEmail, "NOWGO_ADMIN_PASSWORD="+adminPassword, "NOWGO_RATE_SHARE=1")
	requests := make([][]byte, 5)
	for i := range requests {
		requests[i] = reader(b, address, fmt.Sprint("loja-", i))
	}
	var alone, beside load
	admitted, refused := 0, 0
	for round := range fairRounds {
		for _, greedy := range []bool{round%2 == 0, round%2 != 0} { // either may be first
			others, first := apart(b, address, requests, greedy)
			if greedy {
				beside.add(b, others)
				admitted, refused = admitted+first[http.StatusOK], refused+first[http.StatusTooManyRequests]
				continue
			}
			alone.add(b, others)
		}
	}
	p99 := beside.ratios(alone, func(r result) float64 { return float64(r.p99) })
	per := beside.ratios(alone, func(r result) float64 { return float64(r.requests) })
	what := fmt.Sprintf("four clients beside one at ten times its quota (%d of its requests admitted, %d refused), ", admitted, refused)
	note(b, what+"p99", ms(beside.p99()), ms(alone.p99()), median(p99), "≤ 1.3", median(p99) <= 1.3)
	note(b, what+"requests", fmt.Sprint(beside.requests()), fmt.Sprint(alone.requests()), median(per), "≥ 0.95", median(per) >= 0.95)
	b.ReportMetric(median(p99), "p99-ratio")
	b.ReportMetric(median(per), "requests-ratio")
}

func (l load) requests() int {
	all := 0
	for _, r := range l.rounds {
		all += r.requests
	}
	return all
}

// apart drives the last four for one round, the first beside them or not, and returns what the four got and the first's statuses.
func apart(b *testing.B, address string, requests [][]byte, greedy bool) (result, map[int]int) {
	b.Helper()
	var wg sync.WaitGroup
	others := make([]*pace, 0, 4)
	for _, request := range requests[1:] {
		p := &pace{address: address, request: request, each: 4, perSecond: normal}
		others = append(others, p)
		wg.Go(p.run)
	}
	first := &pace{address: address, request: requests[0], each: 10, perSecond: greedyBy * standard}
	if greedy {
		wg.Go(first.run)
	}
	wg.Wait()
	if first.err != nil {
		b.Fatal(first.err)
	}
	var took []time.Duration
	for _, p := range others {
		if p.err != nil {
			b.Fatal(p.err)
		}
		if len(p.statuses) != 1 || p.statuses[http.StatusOK] == 0 {
			b.Fatalf("somebody within their quota was answered %v", p.statuses)
		}
		took = append(took, p.took...)
	}
	return result{requests: len(took), p99: quantile(took, 0.99)}, first.statuses
}

// pace asks at a steady pace over some connections.
type pace struct {
	address         string
	request         []byte
	each, perSecond int // connections, requests a second by all of them

	mu       sync.Mutex
	took     []time.Duration
	statuses map[int]int
	err      error
}

func (p *pace) run() {
	p.statuses = map[int]int{}
	every := time.Second * time.Duration(p.each) / time.Duration(p.perSecond)
	began := time.Now()
	var wg sync.WaitGroup
	for n := range p.each {
		wg.Go(func() {
			took, statuses, err := p.connection(began.Add(every*time.Duration(n)/time.Duration(p.each)), every, began.Add(fairTime))
			p.mu.Lock()
			defer p.mu.Unlock()
			p.took = append(p.took, took...)
			for status, times := range statuses {
				p.statuses[status] += times
			}
			if err != nil {
				p.err = err
			}
		})
	}
	wg.Wait()
}

// connection asks on one connection. A request whose time comes before the answer to the one before waits for that, and its wait
// counts: it would have met a server that was busy.
func (p *pace) connection(due time.Time, every time.Duration, end time.Time) (took []time.Duration, statuses map[int]int, err error) {
	statuses = map[int]int{}
	c, err := dial(p.address)
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	answered := time.Now()
	for ; due.Before(end); due = due.Add(every) {
		from := due
		if answered.Before(due) {
			time.Sleep(time.Until(due))
			from = time.Now() // how late this process woke is not the server's doing
		}
		status, _, err := c.answer(p.request)
		if err != nil {
			return nil, nil, err
		}
		answered = time.Now()
		took = append(took, answered.Sub(from))
		statuses[status]++
	}
	return took, statuses, nil
}

// reader makes a client with an agent and returns the request that reads it.
func reader(b *testing.B, address, slug string) []byte {
	b.Helper()
	d := journey.Deployment{URL: "http://" + address}
	root := d.As(b, d.As(b, "").Must(200, "POST", "/v1/auth/sign-in", object{"email": adminEmail, "password": adminPassword}).Text("access_token"))
	invited := root.Must(201, "POST", "/v1/clients", object{"name": "Loja", "slug": slug, "languages": []string{"pt-BR", "en"},
		"administrator": object{"email": "ana@" + slug + ".example", "name": "Ana"}})
	token := d.As(b, "").Must(200, "POST", "/v1/auth/invitations/accept", object{"token": invited.Text("invitation", "token"), "name": "Ana",
		"password": "um-segredo-bem-comprido-42"}).Text("access_token")
	ana := d.As(b, token)
	profile := ana.Must(201, "POST", "/v1/profiles", object{"name": "Loja", "industry": "retail", "size": object{"employees": 120}}).Text("id")
	agent := ana.Must(201, "POST", "/v1/agents", object{"profile_id": profile, "template": "retail", "name": "Sofia"}).Text("id")
	return []byte("GET /v1/agents/" + agent + " HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer " + token + "\r\nUser-Agent: bench\r\n\r\n")
}
