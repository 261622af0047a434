package httpapi

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWellFormed(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	cases := map[string]bool{
		`{}`: true, " \r\n\t{}": true, `{"a":"{[{[\"\\"}`: true, deep(32): true, deep(33): false,
		`{"a":"` + strings.Repeat("[", 99) + `"}`: true, `{"a":"\""` + strings.Repeat("[", 99): false,
		``: false, ` `: false, `[]`: false, `"a"`: false, `{} {}`: false, `{"a":1,}`: false, "\ufeff{}": false, "{\"a\":\"\xc3\"}": false,
	}
	for body, want := range cases {
		if got := wellFormed([]byte(body)); got != want {
			t.Errorf("%.60q: %v, want %v", body, got, want)
		}
	}
}

func FuzzWellFormed(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":[1,{"b":"\u00e1"}]}`, `[[[[`, `{"\\":"\"{"}`, "{\"\xff\":1}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if !wellFormed(body) {
			return
		}
		var v map[string]any
		if err := json.Unmarshal(body, &v); err != nil || v == nil || !utf8.Valid(body) {
			t.Errorf("%q is taken for an object: %v", body, err)
		}
		if d := depthOf(v); d > maxDepth {
			t.Errorf("%q is %d deep", body, d)
		}
		if again := canonical(canonical(body)); string(again) != string(canonical(body)) {
			t.Errorf("%q has two canonical forms", body)
		}
	})
}

func depthOf(v any) int {
	deepest := 0
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			deepest = max(deepest, depthOf(inner))
		}
	case []any:
		for _, inner := range v {
			deepest = max(deepest, depthOf(inner))
		}
	default:
		return 0
	}
	return deepest + 1
}

func TestCanonical(t *testing.T) {
	for a, b := range map[string]string{`{"b":1,"a":[ 1.50 , "x"]}`: `{"a":[1.50,"x"],"b":1}`, `{"a":"\u00e1/"}`: `{"a":"á\/"}`} {
		if string(canonical([]byte(a))) != string(canonical([]byte(b))) {
			t.Errorf("%s and %s differ: %s", a, b, canonical([]byte(a)))
		}
	}
	if string(canonical([]byte(`{"n":12345678901234567890}`))) == string(canonical([]byte(`{"n":12345678901234567891}`))) {
		t.Error("large numbers are taken for each other")
	}
}
