package name_test

import (
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/name"
)

func TestValid(t *testing.T) {
	for s, want := range map[string]bool{
		"Loja Azul": true, "x": true, "João & Filhos, 株式会社": true, strings.Repeat("é", name.Max): true,
		"": false, " \t ": false, "\u00a0": false, "a\x00": false, "a\r\nBcc: b": false, "a\u0085b": false, "\xff": false,
		strings.Repeat("é", name.Max+1): false,
	} {
		if name.Valid(s) != want {
			t.Errorf("%.20q: %v", s, !want)
		}
	}
}
