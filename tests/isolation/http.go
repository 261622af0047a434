package isolation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/tests/journey"
)

type object = map[string]any

// request is one call, before it is sent.
type request struct {
	method, path string // the path has its variables in braces
	vars         map[string]string
	query        url.Values
	body         object // nil: none
	headers      map[string]string
	token        string
}

// clone is r with maps of its own.
func (r request) clone() request {
	r.vars, r.headers, r.body = maps.Clone(r.vars), maps.Clone(r.headers), maps.Clone(r.body)
	r.query = maps.Clone(r.query)
	if r.vars == nil {
		r.vars = map[string]string{}
	}
	if r.headers == nil {
		r.headers = map[string]string{}
	}
	if r.query == nil {
		r.query = url.Values{}
	}
	return r
}

// said is everything that the caller itself wrote into the request.
func (r request) said() string {
	b, _ := json.Marshal(r.body)
	var all strings.Builder
	for _, k := range slices.Sorted(maps.Keys(r.vars)) {
		all.WriteString(r.vars[k] + " ")
	}
	for _, k := range slices.Sorted(maps.Keys(r.headers)) {
		all.WriteString(r.headers[k] + " ")
	}
	all.WriteString(r.query.Encode() + " ")
	for _, values := range r.query {
		all.WriteString(strings.Join(values, " ") + " ")
	}
	all.Write(b)
	return all.String()
}

func (r request) url(base string) string {
	path := r.path
	for name, value := range r.vars {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	if q := r.query.Encode(); q != "" {
		path += "?" + q
	}
	return base + path
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	raw    []byte
}

func (a answer) field(path ...string) string {
	var v any
	if json.Unmarshal(a.raw, &v) != nil {
		return ""
	}
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	s, _ := v.(string)
	return s
}

// sameness is the answer without what differs from call to call.
func (a answer) sameness() string {
	var m map[string]any
	if json.Unmarshal(a.raw, &m) != nil {
		return fmt.Sprint(a.status, " ", string(a.raw))
	}
	delete(m, "request_id")
	b, _ := json.Marshal(m)
	return fmt.Sprint(a.status, " ", string(b))
}

// caller sends requests to a deployment.
type caller struct {
	d    journey.Deployment
	http *http.Client
	sent int
}

func newCaller(d journey.Deployment) *caller {
	return &caller{d: d, http: &http.Client{Timeout: time.Minute}}
}

// patience is how often a caller that is over its rate waits for as long as it is told.
const patience = 30

func (c *caller) send(t testing.TB, r request) answer {
	t.Helper()
	for try := 0; ; try++ {
		a := c.once(t, r)
		wait, err := strconv.Atoi(a.header.Get("Retry-After"))
		if a.status != http.StatusTooManyRequests || err != nil || wait > 10 || try == patience {
			return a
		}
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(time.Duration(wait) * time.Second):
		}
	}
}

func (c *caller) once(t testing.TB, r request) answer {
	t.Helper()
	var content io.Reader
	if r.body != nil {
		b, err := json.Marshal(r.body)
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(t.Context(), r.method, r.url(c.d.URL), content)
	if err != nil {
		t.Fatal(err)
	}
	if content != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	for name, value := range r.headers {
		req.Header.Set(name, value)
	}
	res, err := c.http.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	c.sent++
	return answer{res.StatusCode, res.Header, raw}
}

// must sends a request that has to succeed.
func (c *caller) must(t testing.TB, token, method, path string, body object, headers ...string) answer {
	t.Helper()
	r := request{method: method, path: path, body: body, token: token, headers: map[string]string{}}
	for i := 0; i+1 < len(headers); i += 2 {
		r.headers[headers[i]] = headers[i+1]
	}
	a := c.send(t, r)
	if a.status >= 300 {
		t.Fatalf("%s %s: %d: %.500s", method, path, a.status, a.raw)
	}
	return a
}
