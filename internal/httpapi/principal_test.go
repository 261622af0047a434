package httpapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/tenant"
)

func TestTwoCredentialsAreNone(t *testing.T) {
	ana := tenant.Principal{Client: "cli_abcde", User: "usr_1", Role: tenant.ClientAdmin}
	for name, c := range map[string]struct {
		headers []string
		judged  int
		want    tenant.Principal
	}{
		"none":           {nil, 0, tenant.Principal{}},
		"an empty one":   {[]string{""}, 0, tenant.Principal{}},
		"one":            {[]string{"Bearer a"}, 1, ana},
		"two":            {[]string{"Bearer a", "Bearer b"}, 0, tenant.Principal{}},
		"the same twice": {[]string{"Bearer a", "Bearer a"}, 0, tenant.Principal{}},
		"one and empty":  {[]string{"Bearer a", ""}, 0, tenant.Principal{}},
	} {
		t.Run(name, func(t *testing.T) {
			judged := 0
			var got tenant.Principal
			h := httpapi.Authenticate(func(context.Context, string) (tenant.Principal, error) {
				judged++
				return ana, nil
			}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = tenant.CallFrom(r.Context()).Principal }))
			r := httptest.NewRequest(http.MethodGet, "/v1/agents", nil)
			if c.headers != nil {
				r.Header["Authorization"] = c.headers
			}
			h.ServeHTTP(httptest.NewRecorder(), r)
			if got != c.want || judged != c.judged {
				t.Errorf("%+v after %d judgements", got, judged)
			}
		})
	}
}
