package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/nowgo/agents/tests/binaries"
)

const (
	starts    = 15 // of each function
	startMore = 50 * time.Millisecond
)

var functions = []string{"authorizer", "authentication", "clients", "analysis", "agents", "conversations", "compliance", "monitoring",
	"relay", "archivist"}

// BenchmarkStart measures the time from the start of each function's process to its first answer, an operation that reads the
// table where there is one, beside the smallest function there can be.
func BenchmarkStart(b *testing.B) {
	folder := b.TempDir()
	if _, err := binaries.Build(b.Context(), folder, "", "./functions/...", "./tests/bench/hello"); err != nil {
		b.Fatal(err)
	}
	sizes(b, folder)
	first, environment := firstEvents(b, folder)
	took := map[string][]time.Duration{}
	for range starts { // in turn, so that what else the machine does meets all alike
		for name, event := range first {
			p := start(b, filepath.Join(folder, name), environment)
			a := p.invoke(b, event)
			took[name] = append(took[name], a.at.Sub(p.began))
			check(b, name, event, a)
			p.stop(b)
		}
	}
	hello := median(took["hello"])
	for _, name := range functions {
		ours := median(took[name])
		note(b, "start to first answer: "+name, ms(ours), ms(hello), float64(ours)/float64(hello),
			fmt.Sprintf("+%s (is %+.1f)", ms(startMore), float64((ours-hello).Microseconds())/1000), ours-hello <= startMore)
		b.ReportMetric(float64((ours-hello).Microseconds())/1000, name+"-more-ms")
	}
}

// sizes notes the size of each binary. tests/binaries holds it to the limit.
func sizes(b *testing.B, folder string) {
	b.Helper()
	size := func(name string) float64 {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil {
			b.Fatal(err)
		}
		return float64(info.Size()) / 1e6
	}
	hello := size("hello")
	for _, name := range append([]string{"monolith"}, functions...) {
		ours := size(name)
		note(b, "binary: "+name, fmt.Sprintf("%.1f MB", ours), fmt.Sprintf("%.1f MB", hello), ours/hello, "≤ 20 MB", ours <= 20)
	}
}

// check requires an HTTP answer to be a success: an early failure would be a fast one.
func check(b *testing.B, name string, event any, a answer) {
	b.Helper()
	if _, isCall := event.(events.APIGatewayProxyRequest); !isCall {
		return
	}
	var out events.APIGatewayProxyResponse
	if err := json.Unmarshal(a.body, &out); err != nil {
		b.Fatal(err)
	}
	if out.StatusCode != 200 {
		b.Fatalf("%s: status %d: %s", name, out.StatusCode, out.Body)
	}
}

// firstEvents makes a client with an agent and a conversation, by the functions themselves, and returns the event that each
// function is to be started with.
func firstEvents(b *testing.B, folder string) (map[string]any, []string) {
	b.Helper()
	g := &gateway{b: b, folder: folder, environment: environment(aws(b)), running: map[string]*process{}}
	defer g.stop()
	text := func(o object, key string) string { s, _ := o[key].(string); return s }
	const password = "um-segredo-bem-comprido-42"

	root := g.verdict(text(g.must("authentication", 200, call(b, "POST", "/v1/auth/sign-in", nil,
		object{"email": adminEmail, "password": adminPassword})), "access_token"))
	made := g.must("clients", 201, call(b, "POST", "/v1/clients", root, object{"name": "Loja Azul", "slug": "loja-azul",
		"languages": []string{"pt-BR", "en"}, "administrator": object{"email": "ana@loja.example", "name": "Ana"}}))
	invitation, _ := made["invitation"].(object)
	token := text(g.must("authentication", 200, call(b, "POST", "/v1/auth/invitations/accept", nil,
		object{"token": invitation["token"], "name": "Ana", "password": password})), "access_token")
	ana := g.verdict(token)
	profile := text(g.must("analysis", 201, call(b, "POST", "/v1/profiles", ana, object{"name": "Loja Azul", "industry": "retail",
		"size": object{"employees": 120}})), "id")
	agent := text(g.must("agents", 201, call(b, "POST", "/v1/agents", ana, object{"profile_id": profile, "template": "retail",
		"name": "Sofia"})), "id")
	g.must("agents", 200, call(b, "POST", "/v1/agents/"+agent+"/publish", ana, nil))
	talk := text(g.must("conversations", 201, call(b, "POST", "/v1/agents/"+agent+"/conversations", ana, object{})), "id")

	stream, detail := streamed(b, text(made, "id"))
	return map[string]any{
		"hello":          call(b, "GET", "/", nil, nil),
		"authorizer":     authorization(token),
		"authentication": call(b, "GET", "/v1/auth/me", ana, nil),
		"clients":        call(b, "GET", "/v1/client", ana, nil),
		"analysis":       call(b, "GET", "/v1/profiles/"+profile, ana, nil),
		"agents":         call(b, "GET", "/v1/agents/"+agent, ana, nil),
		"conversations":  call(b, "GET", "/v1/conversations/"+talk, ana, nil),
		"compliance":     call(b, "GET", "/v1/audit-events", ana, nil),
		"monitoring":     call(b, "GET", "/healthz", nil, nil),
		"relay":          stream,
		"archivist":      queued(b, detail),
	}, g.environment
}
