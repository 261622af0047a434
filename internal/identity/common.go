package identity

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	passwords "github.com/ccojocar/zxcvbn-go/data"
	"golang.org/x/text/unicode/norm"
)

// local are words that this platform's people choose first and that the library's list, of English speakers, lacks.
var local = []string{"administrador", "administrator", "corinthians", "correcthorsebatterystaple", "cruzeiro", "deusefiel",
	"eusoufeliz", "euteamo", "familia", "flamengo", "futebol", "gremio", "minhasenha", "mudar", "mudarsenha",
	"mypassword", "novasenha", "palmeiras", "princesa", "santosfc", "saopaulo", "segredo", "senha", "senhaforte", "senhasegura",
	"teamo", "trocarsenha", "vascodagama"}

// commonWords is the library's list of common passwords, folded, with [local]. It is unpacked when somebody first chooses a password,
// in some 10 ms, so that no start pays for it.
var commonWords = sync.OnceValues(func() (map[string]bool, error) {
	packed, err := passwords.Asset("data/Passwords.json")
	if err != nil {
		return nil, fmt.Errorf("identity: list of common passwords: %w", err)
	}
	var list struct{ List []string }
	if err := json.Unmarshal(packed, &list); err != nil {
		return nil, fmt.Errorf("identity: list of common passwords: %w", err)
	}
	words := make(map[string]bool, len(list.List)+len(local))
	for _, w := range append(list.List, local...) {
		words[foldPassword(w)] = true
	}
	return words, nil
})

// runs are what fingers and the alphabet give; each is looked for backwards too.
var runs = []string{"abcdefghijklmnopqrstuvwxyz", "012345678901234567890123456789", "qwertyuiopasdfghjklzxcvbnm", "1q2w3e4r5t6y7u8i9o0p",
	"qazwsxedcrfvtgbyhnujmikolp", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p"}

// common reports whether a folded password is one that is guessed first: a few characters repeated, a run along the alphabet, the
// digits or the keyboard, or a common password, also repeated, with digits or signs around it, or with digits for letters. The
// password is compared as a whole, never the words within it (NIST SP 800-63B-4 §3.1.1.2).
func common(p string) (bool, error) {
	words, err := commonWords()
	if err != nil {
		return false, err
	}
	whole := unit(p)
	if utf8.RuneCountInString(whole) <= 4 {
		return true, nil
	}
	for _, run := range runs {
		if strings.Contains(run, whole) || strings.Contains(reversed(run), whole) {
			return true, nil
		}
	}
	signless := strings.TrimFunc(p, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	bare := strings.TrimFunc(p, func(r rune) bool { return !unicode.IsLetter(r) })
	return slices.ContainsFunc([]string{whole, bare, compact(bare), digitsAsLetters.Replace(bare), digitsAsLetters.Replace(signless)},
		func(form string) bool { return words[unit(form)] }), nil
}

// digitsAsLetters undoes the usual substitutions.
var digitsAsLetters = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

// madeOf reports whether a folded password is nothing but the given texts' words, in any order and number, with any digits and signs
// between and around them. A word has three characters or more.
func madeOf(p string, texts ...string) bool {
	words := map[string]bool{}
	add := func(w string) {
		if utf8.RuneCountInString(w) >= 3 {
			words[w] = true
		}
	}
	for _, text := range texts {
		text = foldPassword(text)
		add(letters(text))
		for w := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.IsLetter(r) }) {
			add(w)
		}
	}
	p = letters(p)
	reached := make([]bool, len(p)+1) // up to each byte, words alone led here
	reached[0] = true
	for i := range len(p) {
		if !reached[i] {
			continue
		}
		for w := range words {
			if strings.HasPrefix(p[i:], w) {
				reached[i+len(w)] = true
			}
		}
	}
	return p != "" && reached[len(p)]
}

// foldPassword returns s without case and without accents.
func foldPassword(s string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(s)))
}

// letters returns the letters of s alone.
func letters(s string) string { return only(s, unicode.IsLetter) }

// compact returns the letters and digits of s alone.
func compact(s string) string {
	return only(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

func only(s string, keep func(rune) bool) string {
	return strings.Map(func(r rune) rune {
		if keep(r) {
			return r
		}
		return -1
	}, s)
}

// unit returns the shortest text that p repeats.
func unit(p string) string {
	for n := 1; n <= len(p)/2; n++ {
		if len(p)%n == 0 && strings.Repeat(p[:n], len(p)/n) == p {
			return p[:n]
		}
	}
	return p
}

func reversed(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}
