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
		"a read by a machine, limited to its scopes and its rate": {"key.json", seen{
			Principal: tenant.Principal{Client: "cli_abcdefghijklmnopqrstuvwxyz", User: "key_1", Role: tenant.AgentManager,
				Scopes: "get-agent list-agents", Rate: 60},
			Method: "GET", Path: "/v1/agents/agt_abc", Query: map[string][]string{}, Address: "203.0.113.7"}},
		"a change by a global administrator inside a client": {"assumed.json", seen{
			Principal: tenant.Principal{Client: "cli_abcdefghijklmnopqrstuvwxyz", User: "usr_root", Role: tenant.ClientAdmin, Session: "ses_3",
				Assumed: true},
			Method: "PATCH", Path: "/v1/client", Query: map[string][]string{}, Address: "203.0.113.8", Body: `{"name":"Loja"}`}},
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
		"none":                               nil,
		"without a user":                     {"user_id": ""},
		"a user that is no text":             {"user_id": 7.0},
		"an unknown role":                    {"role": "root"},
		"no client":                          {"client_id": ""},
		"a platform partition as client":     {"client_id": "$platform#1"},
		"a global administrator in a client": {"role": "global_admin"},
		"a person without a session":         {"session_id": ""},
		"a machine without scopes":           {"user_id": "key_1", "session_id": ""},
		"a machine with empty scopes":        {"user_id": "key_1", "session_id": "", "scopes": ""},
		"a machine with scopes of no text":   {"user_id": "key_1", "session_id": "", "scopes": []any{"get-agent"}},
		"a machine with scopes in disorder":  {"user_id": "key_1", "session_id": "", "scopes": "get-agent  create-user"},
		"a machine with a session":           {"user_id": "key_1", "scopes": "get-agent"},
		"an assumed machine":                 {"user_id": "key_1", "session_id": "", "scopes": "get-agent", "assumed": "true", "role": "client_admin"},
		"a machine of the platform":          {"user_id": "key_1", "session_id": "", "scopes": "get-agent", "client_id": "", "role": "global_admin"},
		"a machine with a rate of no number": {"user_id": "key_1", "session_id": "", "scopes": "get-agent", "rate": "6O"},
		"a machine with a negative rate":     {"user_id": "key_1", "session_id": "", "scopes": "get-agent", "rate": "-1"},
		"a machine with a rate of no text":   {"user_id": "key_1", "session_id": "", "scopes": "get-agent", "rate": 60.0},
		"a person with scopes":               {"scopes": "get-agent"},
		"a person with a rate":               {"rate": "60"},
		"restricted of another form":         {"restricted": "yes"},
		"restricted of no text":              {"restricted": true},
		"assumed as another role":            {"assumed": "true"},
		"names in disorder":                  {"within": "agt_b agt_a"},
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

// What limits a principal arrives as it was sent: the verdict's context is the one that events carry.
func TestPrincipalsSurviveTheGateway(t *testing.T) {
	for name, p := range map[string]tenant.Principal{
		"a person":              {Client: "cli_abcde", User: "usr_1", Role: tenant.StandardUser, Session: "ses_1"},
		"a limited manager":     {Client: "cli_abcde", User: "usr_1", Role: tenant.AgentManager, Session: "ses_1", Within: "agt_a pro_b"},
		"a restricted person":   {Client: "cli_abcde", User: "usr_1", Role: tenant.ClientAdmin, Session: "ses_1", Restricted: true},
		"an administrator":      {User: "usr_1", Role: tenant.GlobalAdmin, Session: "ses_1"},
		"one inside a client":   {Client: "cli_abcde", User: "usr_1", Role: tenant.ClientAdmin, Session: "ses_1", Assumed: true},
		"a machine":             {Client: "cli_abcde", User: "key_1", Role: tenant.ClientAdmin, Scopes: "get-agent list-agents"},
		"a machine with a rate": {Client: "cli_abcde", User: "key_1", Role: tenant.StandardUser, Scopes: "get-agent", Rate: 6000},
	} {
		t.Run(name, func(t *testing.T) {
			verdict, err := gateway.AuthorizerHandler(func(context.Context, string) (tenant.Principal, error) { return p, nil })(
				t.Context(), event[authorizerEvent](t, "authorizer.json"))
			if err != nil {
				t.Fatal(err)
			}
			for key, value := range verdict.Context {
				if _, ok := value.(string); !ok {
					t.Errorf("%s is %T: the gateway's context holds texts", key, value)
				}
			}
			e := event[events.APIGatewayProxyRequest](t, "get.json")
			e.RequestContext.Authorizer = verdict.Context
			if got := call(t, e).Principal; got != p {
				t.Errorf("got %+v", got)
			}
		})
	}
}
