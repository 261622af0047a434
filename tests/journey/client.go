// Package journey has the platform's main job as a black box: the same calls over HTTP against every deployment, with nothing
// known of how it is built but where it answers and where its bus's events end up.
package journey

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"
)

// Deployment is a running platform.
type Deployment struct {
	URL           string // without a slash at the end
	AdminEmail    string
	AdminPassword string
	// Archived returns the audit bodies that the archivist, the bus's consumer, has kept of a client so far.
	Archived func(ctx context.Context, client string) ([]json.RawMessage, error)
}

// Caller makes calls as one person.
type Caller struct {
	t     testing.TB
	url   string
	token string
	http  *http.Client
}

// As returns a caller with the given access token; empty: nobody.
func (d Deployment) As(t testing.TB, token string) *Caller {
	return &Caller{t, d.URL, token, &http.Client{Timeout: time.Minute}}
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Raw    []byte
	t      testing.TB
}

// Into decodes the JSON body.
func (a Answer) Into(v any) {
	a.t.Helper()
	if err := json.Unmarshal(a.Raw, v); err != nil {
		a.t.Fatalf("body %.300q: %v", a.Raw, err)
	}
}

// Text returns a string at a path of object members.
func (a Answer) Text(path ...string) string {
	a.t.Helper()
	var v any
	a.Into(&v)
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			a.t.Fatalf("no %v in %.300s", path, a.Raw)
		}
		v = m[p]
	}
	s, ok := v.(string)
	if !ok {
		a.t.Fatalf("no text at %v in %.300s", path, a.Raw)
	}
	return s
}

// Do makes a call; body nil sends none, a []byte is sent as it is. Headers come as name, value, name, value.
func (c *Caller) Do(method, path string, body any, headers ...string) Answer {
	c.t.Helper()
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		content = bytes.NewReader(b)
	default:
		encoded, err := json.Marshal(b)
		if err != nil {
			c.t.Fatal(err)
		}
		content = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, content)
	if err != nil {
		c.t.Fatal(err)
	}
	if content != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return Answer{res.StatusCode, res.Header, raw, c.t}
}

// Must is Do for a call that must be answered with the given status.
func (c *Caller) Must(status int, method, path string, body any, headers ...string) Answer {
	c.t.Helper()
	a := c.Do(method, path, body, headers...)
	if a.Status != status {
		c.t.Fatalf("%s %s: status %d, not %d: %.600s", method, path, a.Status, status, a.Raw)
	}
	return a
}

// Refused is Do for a call that must be answered with a problem of the given status and code.
func (c *Caller) Refused(status int, code, method, path string, body any, headers ...string) Answer {
	c.t.Helper()
	a := c.Do(method, path, body, headers...)
	if a.Status != status {
		c.t.Errorf("%s %s: status %d, not %d: %.600s", method, path, a.Status, status, a.Raw)
		return a
	}
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		c.t.Errorf("%s %s: a problem of type %q", method, path, got)
	}
	if got := a.Text("code"); got != code {
		c.t.Errorf("%s %s: code %q, not %q", method, path, got, code)
	}
	return a
}

type object = map[string]any
