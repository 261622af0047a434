package monolith

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestProxies(t *testing.T) {
	const own = "10.0.0.7:4711"
	for name, c := range map[string]struct {
		proxies, remote string
		forwarded       []string
		want            string
	}{
		"no proxy is known":                {"", own, []string{"198.51.100.1"}, own},
		"not from the proxy":               {"10.0.0.0/24", "192.0.2.1:80", []string{"198.51.100.1"}, "192.0.2.1:80"},
		"through the proxy":                {"10.0.0.0/24", own, []string{"198.51.100.1"}, "198.51.100.1:0"},
		"through one named by its address": {"10.0.0.7", own, []string{"198.51.100.1"}, "198.51.100.1:0"},
		"through two":                      {"10.0.0.0/24, 10.9.0.1", own, []string{"198.51.100.1, 10.9.0.1"}, "198.51.100.1:0"},
		"two headers":                      {"10.0.0.0/24", own, []string{"203.0.113.5", "198.51.100.1"}, "198.51.100.1:0"},
		"made up by the caller":            {"10.0.0.0/24", own, []string{"203.0.113.5, 198.51.100.1"}, "198.51.100.1:0"},
		"nonsense by the caller":           {"10.0.0.0/24", own, []string{"x, 198.51.100.1"}, "198.51.100.1:0"},
		"nonsense by the proxy":            {"10.0.0.0/24", own, []string{"198.51.100.1, unknown"}, own},
		"only proxies":                     {"10.0.0.0/24", own, []string{"10.0.0.1"}, own},
		"no header":                        {"10.0.0.0/24", own, nil, own},
		"IPv6":                             {"::1", "[::1]:80", []string{"2001:db8::1"}, "[2001:db8::1]:0"},
		"IPv4 in IPv6":                     {"10.0.0.0/24", "[::ffff:10.0.0.7]:80", []string{"::ffff:198.51.100.1"}, "198.51.100.1:0"},
		"not an address":                   {"10.0.0.0/24", "@", []string{"198.51.100.1"}, "@"},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := parseProxies(c.proxies)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr, r.Header["X-Forwarded-For"] = c.remote, c.forwarded
			var got string
			all.behind(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr })).ServeHTTP(httptest.NewRecorder(), r)
			if got != c.want {
				t.Errorf("the caller is %s, want %s", got, c.want)
			}
			if r.RemoteAddr != c.remote {
				t.Error("the server's own request was changed")
			}
		})
	}
	for _, bad := range []string{"proxy", "10.0.0.0/33", "10.0.0.0/8;::1"} {
		if _, err := parseProxies(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
