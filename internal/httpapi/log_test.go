package httpapi_test

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestAccessLog(t *testing.T) {
	p := start(t)
	p.do(t, "ana", "GET", profiles+"?limit=7", "", "X-Request-Id", "my-request_1")
	var line map[string]any
	if err := json.Unmarshal([]byte(p.log.String()), &line); err != nil {
		t.Fatalf("%v: %s", err, p.log)
	}
	for name, want := range map[string]any{"msg": "request", "level": "INFO", "client_id": "cli_blue", "user_id": "usr_ana", "request_id": "my-request_1",
		"operation": "list-profiles", "status": 200.0, "bytes": 32.0} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v", name, line[name], want)
		}
	}
	if _, ok := line["duration_ms"].(float64); !ok {
		t.Errorf("no duration in %v", line)
	}
}

// INVARIANT 6: what callers send stays out of the log, whatever becomes of the request.
func TestLogHoldsNoSecrets(t *testing.T) {
	p := start(t)
	const canary = "canary7"
	token := "ana"
	p.do(t, token, "POST", profiles+"?q="+canary, `{"title":"`+canary+`"}`, "X-Canary", canary, "Idempotency-Key", canary, "User-Agent", canary)
	p.do(t, token, "POST", profiles, `{"title":"`+canary+`","`+canary+`":1}`)
	p.do(t, token, "POST", profiles, `{"title":"`+canary)
	p.do(t, canary, "GET", profiles, "")
	p.do(t, token, "GET", profiles+"?cursor="+canary, "")
	p.do(t, token, "GET", profiles+"?limit="+canary, "")
	p.do(t, token, "GET", profiles+"/"+canary, "")
	p.do(t, token, "GET", "/unknown?q="+canary, "")
	if log := p.log.String(); strings.Contains(log, canary) {
		t.Errorf("the log shows what was sent: %s", log)
	}
}

func TestUnknownPathIsLoggedCutAndQuoted(t *testing.T) {
	p := start(t)
	p.do(t, "", "GET", "/x%0a%22"+strings.Repeat("y", 1000), "")
	log := p.log.String()
	if strings.Count(log, "\n") != 1 || len(log) > 700 || !strings.Contains(log, `"path":"/x\n\"yy`) {
		t.Errorf("logged %s", log)
	}
}

func TestRequestID(t *testing.T) {
	p := start(t)
	for name, c := range map[string]struct {
		sent string
		kept bool
	}{
		"a good one":          {"abc_DEF-123", true},
		"the longest":         {strings.Repeat("a", 64), true},
		"too long":            {strings.Repeat("a", 65), false},
		"empty":               {"", false},
		"with a line break":   {"a\nb", false},
		"with another script": {"á", false},
	} {
		t.Run(name, func(t *testing.T) {
			got := p.do(t, "", "GET", "/nowhere", "", "X-Request-Id", c.sent).Header.Get("X-Request-Id")
			if (got == c.sent && got != "") != c.kept || got == "" {
				t.Errorf("sent %q, got %q", c.sent, got)
			}
		})
	}
}
