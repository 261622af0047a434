package identity

import (
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/fault"
)

func TestNewPasswords(t *testing.T) {
	words := []string{"ana.prado@lojaazul.example", "Ana Júlia Prado", "Confecções São João"}
	for password, want := range map[string]string{
		"uma frase bem comprida":   "",
		"correct horse 7 battery!": "", // two common words are no common password
		"éééèèèêêêëëëüüü":          "",
		"847291036512":             "", // digits alone are allowed: there are no rules of composition
		"            7  x   q":     "",
		"🐢🐇🦔🐿️🦊🐻🐼🐨🐯🦁🐮🐷":            "",
		strings.Repeat("aé7-", 32): "characters repeated",
		"anaconda e jiboia":        "", // holds a name, is not made of it

		"elevenchars":             "length",
		strings.Repeat("xy", 65):  "length",
		"":                        "length",
		"\xff\xfeabcdefghijklmno": "length",

		"ana.prado@lojaazul.example": "context",
		"AnaJuliaPrado":              "context",
		"ana julia prado 1987":       "context",
		"2026-LojaAzul-2026":         "context",
		"confecçõesSÃOjoão":          "context",
		"NowGo2026NowGo!":            "context",
		"nowgo.prado.123":            "context",
		"pradopradoprado":            "context",

		"aaaaaaaaaaaaaaa":           "common",
		"123456789012":              "common",
		"098765432109":              "common",
		"zyxwvutsrqponm":            "common",
		"QwertyUiopAsdf":            "common",
		"1qaz2wsx3edc":              "common",
		"passwordpassword":          "common",
		"Password123456!":           "common",
		"P@ssw0rd2026!!":            "common",
		"111senhasenha111":          "common",
		"S3nh4S3gur4":               "length",
		"!!S3nh4S3gur4!!":           "common",
		"pass word 2026":            "common",
		"Flamengo1981!":             "common",
		"dragondragon12":            "common",
		"correct-horse":             "",
		"CorrectHorseBatteryStaple": "common",
	} {
		_, err := newPassword("test", "body.password", password, words...)
		got := ""
		if err != nil {
			got = err.Error()
		}
		sign := map[string]string{"": "", "length": "12 to 128", "context": "must not be made", "common": "guessed first",
			"characters repeated": "guessed first"}[want]
		if (want == "") != (err == nil) || !strings.Contains(got, sign) {
			t.Errorf("%q: %q, want %q", password, got, want)
		}
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v is not Invalid", password, err)
		}
	}
}

func TestTheLibraryHoldsAList(t *testing.T) {
	words, err := commonWords()
	if err != nil {
		t.Fatal(err)
	}
	if len(words) < 7000 || !words["trustno1"] || !words["senha"] {
		t.Errorf("%d words", len(words))
	}
}

func FuzzNewPassword(f *testing.F) {
	for _, seed := range []string{"", "uma frase bem comprida", "\xff", strings.Repeat("e\u0301", 128), "ana@x.example"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, password, word string) {
		p, err := newPassword("test", "body.password", password, word)
		if err == nil {
			if again, err := newPassword("test", "body.password", p, word); err != nil || again != p {
				t.Errorf("%q was accepted as %q, which gives %q, %v", password, p, again, err)
			}
		}
	})
}

// Otherwise the time of a refusal would tell a login with an old hash from none.
func TestAnOldHashIsVerifiedWithTodaysWork(t *testing.T) {
	today := Recommended()
	for _, old := range []Params{{8, 1, 1}, {19 << 10, 1, 1}, {12 << 10, 3, 1}, {9000, 4, 2}, {1, 1, 1}, {7 << 10, 5, 1}} {
		rest := old.upTo(today)
		if sum := old.cost() + rest.cost(); sum > today.cost() || sum+uint64(rest.Time) < today.cost() || rest.MemoryKiB > today.MemoryKiB {
			t.Errorf("%+v is filled up with %+v to %d, want %d", old, rest, sum, today.cost())
		}
	}
	for _, as := range []Params{today, {64 << 10, 2, 1}, {19 << 10, 3, 1}} {
		if rest := as.upTo(today); rest.Time != 0 {
			t.Errorf("%+v is filled up with %+v", as, rest)
		}
	}
}
