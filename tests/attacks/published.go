package attacks

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Published holds what the deployment publishes of its keys: the public parts alone, which anybody may keep for five minutes.
func Published(t *testing.T, d Target) {
	const path = "/.well-known/jwks.json"
	nobody := d.As(t, "")
	a := nobody.Must(http.StatusOK, "GET", path, nil)
	var set struct{ Keys []map[string]string }
	a.Into(&set)
	if len(set.Keys) == 0 || strings.Contains(string(a.Raw), "nowgo") {
		t.Errorf("published: %s", a.Raw)
	}
	for _, k := range set.Keys {
		if k["d"] != "" || len(k) != 6 || k["alg"] != "EdDSA" || k["kid"] == "" {
			t.Errorf("key %v", k)
		}
	}
	if got := a.Header.Values("Cache-Control"); !slices.Equal(got, []string{"public, max-age=300"}) {
		t.Errorf("Cache-Control %q", got)
	}
	tag := a.Header.Get("ETag")
	if tag == "" {
		t.Fatal("no ETag")
	}
	for _, known := range []string{tag, `"x", ` + tag, "W/" + tag, "*"} {
		again := nobody.Must(http.StatusNotModified, "GET", path, nil, "If-None-Match", known)
		if len(again.Raw) != 0 || again.Header.Get("ETag") != tag {
			t.Errorf("%s: %q, %v", known, again.Raw, again.Header)
		}
	}
	nobody.Must(http.StatusOK, "GET", path, nil, "If-None-Match", `"x"`)
	if got := d.As(t, "").Do("GET", "/v1/auth/me", nil).Header.Get("Cache-Control"); strings.Contains(got, "public") {
		t.Errorf("a 401 with Cache-Control %q", got)
	}
}
