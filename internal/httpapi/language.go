package httpapi

import (
	"embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

// The languages of the platform. The first is that of callers who name none.
const (
	english    = "en"
	portuguese = "pt-BR"
)

//go:embed messages/*.json
var messageFiles embed.FS

// catalog is what people read in one language.
type catalog struct {
	Titles  map[string]string `json:"titles"`  // by status
	Details map[string]string `json:"details"` // by code
	Kinds   map[string]string `json:"kinds"`   // by status, for a code that has no detail
	Fields  map[string]string `json:"fields"`  // by the English message, verbs as in fmt
}

var catalogs = sync.OnceValues(func() (map[string]catalog, error) {
	all := map[string]catalog{}
	for _, lang := range []string{english, portuguese} {
		text, err := messageFiles.ReadFile("messages/" + lang + ".json")
		if err != nil {
			return nil, fmt.Errorf("httpapi: %w", err)
		}
		var c catalog
		if err := json.Unmarshal(text, &c); err != nil {
			return nil, fmt.Errorf("httpapi: messages/%s.json: %w", lang, err)
		}
		all[lang] = c
	}
	return all, nil
})

// inLanguage returns the catalog of a language, English where it is unknown. The files are embedded and a test reads them, so
// an error cannot happen in a built binary; texts are then empty.
func inLanguage(lang string) catalog {
	all, err := catalogs()
	if err != nil {
		return catalog{}
	}
	return all[languageOf(lang)]
}

func languageOf(lang string) string {
	if lang == portuguese {
		return portuguese
	}
	return english
}

var (
	languages = []string{english, portuguese}
	matcher   = sync.OnceValue(func() language.Matcher {
		return language.NewMatcher([]language.Tag{language.English, language.BrazilianPortuguese})
	})
)

// maxAcceptLanguage is the longest Accept-Language that is looked at, in bytes.
const maxAcceptLanguage = 256

// negotiate returns the platform's language that suits an Accept-Language header best (RFC 9110 §12.5.4).
func negotiate(header string) string {
	switch header {
	case "", "*", "en", "en-US", "en-US,en;q=0.9":
		return english
	case "pt-BR", "pt":
		return portuguese
	}
	if len(header) > maxAcceptLanguage {
		return english
	}
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(tags) == 0 {
		return english
	}
	_, i, confidence := matcher().Match(tags...)
	if confidence == language.No {
		return english
	}
	return languages[i]
}

func titleOf(lang string, status int) string { return inLanguage(lang).Titles[strconv.Itoa(status)] }

func detailOf(lang, code string, status int) string {
	c := inLanguage(lang)
	if d, ok := c.Details[code]; ok {
		return d
	}
	return c.Kinds[strconv.Itoa(status)]
}

type pattern struct {
	match *regexp.Regexp
	text  string // with $1 for the first verb's value
}

var verb = regexp.MustCompile(`%[vsd]`)

// patterns are the messages with verbs, made into expressions that find the values in a message.
var patterns = sync.OnceValue(func() []pattern {
	var ps []pattern
	for from, to := range inLanguage(portuguese).Fields {
		if !verb.MatchString(from) {
			continue
		}
		expr := verb.ReplaceAllString(regexp.QuoteMeta(from), "(.*)")
		n := 0
		text := verb.ReplaceAllStringFunc(to, func(string) string { n++; return "${" + strconv.Itoa(n) + "}" })
		ps = append(ps, pattern{regexp.MustCompile("(?s)^" + expr + "$"), text})
	}
	// The longest first: some messages say the beginning of others.
	slices.SortFunc(ps, func(a, b pattern) int { return len(b.match.String()) - len(a.match.String()) })
	return ps
})

// translate returns a message about a field in the caller's language; one that is not in the catalog stays as it is.
func translate(lang, message string) string {
	if languageOf(lang) == english {
		return message
	}
	if t, ok := inLanguage(lang).Fields[message]; ok && !strings.Contains(message, "%") {
		return t
	}
	for _, p := range patterns() {
		if m := p.match.FindStringSubmatchIndex(message); m != nil {
			return string(p.match.ExpandString(nil, p.text, message, m))
		}
	}
	return message
}
