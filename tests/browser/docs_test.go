// Package browser looks at what people look at, with Debian's Chromium.
package browser

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/nowgo/agents/tests/journey"
)

// patience is how long the browser may take on a machine that does other things too.
const patience = 2 * time.Minute

// tab is a tab of a browser of its own, which finds no host but this one.
type tab struct {
	ctx context.Context

	mu       sync.Mutex
	requests []string // the addresses that were asked for
	errors   []string // what the console shows as an error
}

func open(t *testing.T) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("Chromium is missing: `make setup` installs it where it runs as root, else install Debian's package chromium (%v)", err)
	}
	ctx, stop := context.WithTimeout(t.Context(), patience)
	t.Cleanup(stop)
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"), chromedp.Flag("lang", "en"))
	ctx, stop = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	b := &tab{}
	b.ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if err := chromedp.Listen(b.ctx, b.note); err != nil { // which starts the browser
		t.Fatalf("starting Chromium: %v", err)
	}
	// It has ended, and writes no more to its folder, before the folder goes.
	t.Cleanup(func() {
		if err := chromedp.Cancel(b.ctx); err != nil {
			t.Logf("closing Chromium: %v", err)
		}
	})
	return b
}

// note keeps what the page asked for and what went wrong in it.
func (b *tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	case *runtime.EventExceptionThrown:
		b.errors = append(b.errors, e.ExceptionDetails.Text+" "+exception(e))
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			b.errors = append(b.errors, "console."+string(e.Type))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			b.errors = append(b.errors, e.Entry.Text)
		}
	}
}

func exception(e *runtime.EventExceptionThrown) string {
	if e.ExceptionDetails.Exception == nil {
		return ""
	}
	return e.ExceptionDetails.Exception.Description
}

// value returns what the expression is in the page.
func value[T any](t *testing.T, b *tab, expression string) T {
	t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// until waits until the expression is true in the page.
func (b *tab) until(t *testing.T, expression string) {
	t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](expression)); err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
}

// do runs the actions, which make up one step of a person's.
func (b *tab) do(t *testing.T, step string, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		t.Fatalf("%s: %v", step, err)
	}
}

// quiet fails the test where the page asked another host for something, or had an error.
func (b *tab) quiet(t *testing.T, host string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, address := range b.requests {
		if u, err := url.Parse(address); err != nil || u.Host != host {
			t.Errorf("the page asked for %s", address)
		}
	}
	for _, text := range b.errors {
		t.Errorf("the console shows: %s", text)
	}
	if len(b.requests) < 3 {
		t.Errorf("saw the requests %v alone", b.requests)
	}
}

// documented is the number of operations in the OpenAPI document.
func documented(t *testing.T, base string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/openapi.json", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var document struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&document); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, methods := range document.Paths {
		n += len(methods)
	}
	return n
}

// A first-time engineer opens the page without a network, finds every operation, signs in, tries one and changes the language.
func TestDocsPage(t *testing.T) {
	p := journey.StartMonolith(t, journey.BuildMonolith(t), t.TempDir())
	account := p.Deployment()
	want := documented(t, p.URL)
	b := open(t)

	b.do(t, "open the page", chromedp.Navigate(p.URL+"/docs"), chromedp.WaitVisible("details.operation"))
	shown, linked := value[int](t, b, `document.querySelectorAll("details.operation").length`), value[int](t, b, `document.querySelectorAll("nav a").length`)
	if want == 0 || shown != want || linked != want {
		t.Errorf("the page shows %d operations and %d links; the document has %d", shown, linked, want)
	}
	if twice := value[[]string](t, b, `[...document.querySelectorAll("[id]")].map(n => n.id).filter((id, i, all) => all.indexOf(id) !== i)`); len(twice) > 0 {
		t.Errorf("these ids are there twice, so that links miss: %v", twice)
	}

	b.do(t, "sign in", chromedp.SendKeys("#email", account.AdminEmail), chromedp.SendKeys("#password", account.AdminPassword),
		chromedp.Click("#account button"))
	b.until(t, `document.getElementById("token").value !== ""`)

	b.do(t, "list clients", chromedp.Click(`nav a[href="#list-clients"]`), chromedp.WaitVisible("#list-clients form button"),
		chromedp.Click("#list-clients form button"))
	b.until(t, `document.querySelector("#list-clients form pre").textContent.length > 1`)
	if answer := value[string](t, b, `document.querySelector("#list-clients form pre").textContent`); !strings.HasPrefix(answer, "200 ") ||
		!strings.Contains(answer, `"items"`) {
		t.Errorf("listing clients answers %s", answer)
	}

	b.do(t, "find an operation", chromedp.SendKeys("#find", "post /v1/auth/sign-in"))
	if n := value[int](t, b, `document.querySelectorAll("details.operation:not(.hidden)").length`); n != 1 {
		t.Errorf("%d operations are found", n)
	}

	b.do(t, "change the language", chromedp.SendKeys("#language", "Portugu"))
	b.until(t, `document.querySelector("#account button").textContent === "Entrar" && document.documentElement.lang === "pt-BR"`)

	b.quiet(t, strings.TrimPrefix(p.URL, "http://"))
}
