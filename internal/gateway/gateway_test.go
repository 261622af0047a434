package gateway_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/nowgo/agents/internal/gateway"
	"github.com/nowgo/agents/internal/tenant"
)

func event[T any](t *testing.T, file string) T {
	t.Helper()
	var e T
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// seen is what a handler saw of a request.
type seen struct {
	Principal tenant.Principal
	Method    string
	Path      string
	Query     map[string][]string
	Accept    []string
	Address   string
	Body      string
	Forged    bool // a header of the library's other mode came through
}

// call sends the event in file through the adapter and returns what the handler saw.
func call(t *testing.T, e events.APIGatewayProxyRequest) seen {
	t.Helper()
	var s seen
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s = seen{tenant.CallFrom(r.Context()).Principal, r.Method, r.URL.Path, r.URL.Query(), r.Header["Accept"], r.RemoteAddr, string(body),
			r.Header.Get("X-GoLambdaProxy-ApiGw-Context") != "" || r.Header.Get("X-GoLambdaProxy-ApiGw-StageVars") != ""}
		w.WriteHeader(http.StatusTeapot)
	})
	answer, err := gateway.Handler(h)(context.Background(), e)
	if err != nil || answer.StatusCode != http.StatusTeapot {
		t.Fatalf("status %d, error %v", answer.StatusCode, err)
	}
	return s
}

func TestGoldenEvents(t *testing.T) {
	cases := map[string]struct {
		file string
		want seen
	}{
		"a read by a signed-in user, with repeated query values": {"get.json", seen{
			Principal: tenant.Principal{Client: "cli_abcdefghijklmnopqrstuvwxyz", User: "usr_1", Role: tenant.AgentManager, Session: "ses_1"},
			Method:    "GET", Path: "/v1/agents/agt_abc", Query: map[string][]string{"limit": {"5"}, "tag": {"a", "b & c"}}, Address: "203.0.113.7"}},
		"a caller who forges contexts in headers, query and body is nobody": {"forged.json", seen{
			Method: "POST", Path: "/v1/auth/sign-in", Query: map[string][]string{"user_id": {"usr_victim"}, "role": {"global_admin"}}, Address: "203.0.113.9",
			Body: `{"email":"ana@lojaazul.example","role":"global_admin"}`}},
		"a binary body and repeated headers": {"binary.json", seen{
			Principal: tenant.Principal{User: "usr_root", Role: tenant.GlobalAdmin, Session: "ses_2"},
			Method:    "POST", Path: "/v1/agents/agt_abc/documents", Query: map[string][]string{}, Accept: []string{"application/json", "text/plain"},
			Address: "2001:db8::1", Body: "Olá, \xffã!"}},
		"the emulator's event, whose path is without the stage": {"local.json", seen{
			Principal: tenant.Principal{User: "usr_root", Role: tenant.GlobalAdmin, Session: "ses_2"},
			Method:    "GET", Path: "/v1/clients/cli_abcde", Query: map[string][]string{}, Address: "127.0.0.1"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, call(t, event[events.APIGatewayProxyRequest](t, c.file))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAuthorizerContextsThatNameNobody(t *testing.T) {
	good := map[string]any{"client_id": "cli_abcde", "user_id": "usr_1", "role": "standard_user", "session_id": "ses_1"}
	cases := map[string]map[string]any{
		"none":                           nil,
		"without a user":                 {"user_id": ""},
		"a user that is no text":         {"user_id": 7.0},
		"an unknown role":                {"role": "root"},
		"no client":                      {"client_id": ""},
		"a platform partition as client": {"client_id": "$platform#1"},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			e := event[events.APIGatewayProxyRequest](t, "get.json")
			e.RequestContext.Authorizer = nil
			if change != nil {
				e.RequestContext.Authorizer = map[string]any{}
				for k, v := range good {
					e.RequestContext.Authorizer[k] = v
				}
				for k, v := range change {
					e.RequestContext.Authorizer[k] = v
				}
			}
			if got := call(t, e).Principal; !got.Anonymous() {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	cases := map[string]struct {
		body   string
		binary bool
	}{
		"text goes as it is":      {"Olá", false},
		"bytes go as base64":      {"\xff\x00", true},
		"an empty body is a body": {"", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Add("Vary", "Accept")
				w.Header().Add("Vary", "Accept-Language")
				w.WriteHeader(http.StatusCreated)
				if _, err := io.WriteString(w, c.body); err != nil {
					t.Error(err)
				}
			})
			got, err := gateway.Handler(h)(context.Background(), event[events.APIGatewayProxyRequest](t, "get.json"))
			if err != nil || got.StatusCode != http.StatusCreated || got.IsBase64Encoded != c.binary {
				t.Fatalf("got %+v, %v", got, err)
			}
			want := c.body
			if c.binary {
				want = base64.StdEncoding.EncodeToString([]byte(c.body))
			}
			if got.Body != want || !slices.Equal(got.MultiValueHeaders["Vary"], []string{"Accept", "Accept-Language"}) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestEventThatIsNoRequestIsAnError(t *testing.T) {
	e := event[events.APIGatewayProxyRequest](t, "binary.json")
	e.Body = "%%% not base64"
	h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("served") })
	if _, err := gateway.Handler(h)(context.Background(), e); err == nil {
		t.Error("no error")
	}
}
