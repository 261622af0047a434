package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/tenant"
)

func calling(token, operation string) context.Context {
	return tenant.WithCall(context.Background(), tenant.Call{Principal: principals[token], Operation: operation})
}

func TestCursorIsBoundToItsList(t *testing.T) {
	p := start(t)
	const inner = "store cursor\x00\xff"
	own := calling("ana", "list-profiles")
	sealed := p.api.SealCursor(own, "q=a", inner)
	if sealed == nil || strings.Contains(*sealed, "store") {
		t.Fatalf("sealed as %v", sealed)
	}
	if got, err := p.api.OpenCursor(own, "q=a", *sealed); err != nil || got != inner {
		t.Errorf("opened as %q, %v", got, err)
	}
	if got, err := p.api.OpenCursor(calling("bia", "list-profiles"), "q=a", *sealed); err != nil || got != inner {
		t.Errorf("a colleague's: %q, %v", got, err)
	}
	bad := map[string]struct {
		ctx           context.Context
		query, cursor string
	}{
		"another client":    {calling("other", "list-profiles"), "q=a", *sealed},
		"nobody":            {context.Background(), "q=a", *sealed},
		"another operation": {calling("ana", "list-agents"), "q=a", *sealed},
		"another query":     {own, "q=b", *sealed},
		"cut off":           {own, "q=a", (*sealed)[:len(*sealed)-1]},
		"altered":           {own, "q=a", "A" + (*sealed)[1:] + ""},
		"longer":            {own, "q=a", *sealed + "A"},
		"padded":            {own, "q=a", *sealed + "="},
		"with a line break": {own, "q=a", (*sealed)[:4] + "\n" + (*sealed)[4:]},
		"no base64":         {own, "q=a", "%%%"},
		"a nonce alone":     {own, "q=a", strings.Repeat("A", 16)},
		"endless":           {own, "q=a", strings.Repeat("A", 1<<20)},
	}
	for name, c := range bad {
		t.Run(name, func(t *testing.T) {
			if name == "altered" && c.cursor == *sealed {
				c.cursor = "B" + (*sealed)[1:]
			}
			if got, err := p.api.OpenCursor(c.ctx, c.query, c.cursor); !fault.Is(err, fault.Invalid) || got != "" {
				t.Errorf("opened as %q, %v", got, err)
			}
		})
	}
	if got := p.api.SealCursor(own, "", ""); got != nil {
		t.Errorf("the end of a list is %q", *got)
	}
}

func TestWalkingAList(t *testing.T) {
	p := start(t)
	for i := range 7 {
		p.do(t, "ana", "POST", profiles, fmt.Sprintf(`{"title":"book %d"}`, i))
	}
	seen := map[string]bool{}
	path := profiles + "?limit=3"
	pages := 0
	for ; path != ""; pages++ {
		got := p.do(t, "bia", "GET", path, "")
		var list httpapi.List[book]
		if err := json.Unmarshal(got.body, &list); err != nil || got.StatusCode != 200 || len(list.Items) > 3 {
			t.Fatalf("%d %s, %v", got.StatusCode, got.body, err)
		}
		for _, b := range list.Items {
			seen[b.Title] = true
		}
		path = ""
		if list.NextCursor != nil {
			path = profiles + "?limit=3&cursor=" + url.QueryEscape(*list.NextCursor)
			foreign := p.do(t, "other", "GET", path, "")
			if pr := foreign.problem(t); pr.Code != "invalid_cursor" {
				t.Errorf("another client walks on: %s", foreign.body)
			}
		}
	}
	if len(seen) != 7 || pages < 3 {
		t.Errorf("saw %v in %d pages", seen, pages)
	}
	if got := p.do(t, "other", "GET", profiles, ""); string(got.body) != "{\"items\":[],\"next_cursor\":null}\n" {
		t.Errorf("an empty list is %s", got.body)
	}
}

func FuzzOpenCursor(f *testing.F) {
	p := start(f)
	own := calling("ana", "list-profiles")
	if sealed := p.api.SealCursor(own, "q", "inner"); sealed != nil {
		f.Add(*sealed, "q")
		f.Add(*sealed, "")
		f.Add((*sealed)[1:], "q")
	}
	f.Add("", "")
	f.Add(strings.Repeat("A", 40), "q")
	f.Fuzz(func(t *testing.T, cursor, query string) {
		got, err := p.api.OpenCursor(own, query, cursor)
		switch {
		case cursor == "":
			if got != "" || err != nil {
				t.Errorf("nothing opened as %q, %v", got, err)
			}
		case err == nil && got != "inner":
			t.Errorf("%q opened as %q", cursor, got)
		case err != nil && !fault.Is(err, fault.Invalid):
			t.Errorf("%q gave %v", cursor, err)
		}
	})
}
