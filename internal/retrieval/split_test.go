package retrieval_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/retrieval"
)

func TestSplitFindsHeadingsAndText(t *testing.T) {
	type passage struct{ Path, Text string }
	cases := map[string]struct {
		content string
		want    []passage
	}{
		"headings nest": {
			"intro\n# A\nunder a\n## B\nunder b\n### C\nunder c\n## D\nunder d\n",
			[]passage{{"", "intro"}, {"A", "under a"}, {"A>B", "under b"}, {"A>B>C", "under c"}, {"A>D", "under d"}},
		},
		"a level may be skipped":               {"# A\n### C\nc\n## B\nb", []passage{{"A>C", "c"}, {"A>B", "b"}}},
		"setext headings":                      {"Um\n===\n\num\n\nDois\nlinhas\n---\ndois\n", []passage{{"Um", "um"}, {"Um>Dois linhas", "dois"}}},
		"a closing sequence is no title":       {"## A ##\na\n# B#\nb", []passage{{"A", "a"}, {"B#", "b"}}},
		"marks are taken off headings":         {"# **A** `b` [c](http://d)\ne", []passage{{"A b c", "e"}}},
		"code is text":                         {"# A\n```sh\n# no heading\n```\nz\n~~~\n```\n# nor this\n~~~\n", []passage{{"A", "```sh\n# no heading\n```\nz\n~~~\n```\n# nor this\n~~~"}}},
		"code that is never closed":            {"# A\n```\n# b\n", []passage{{"A", "```\n# b"}}},
		"indented code is text":                {"# A\n\n    # no\n\t# no\n", []passage{{"A", "# no\n\t# no"}}},
		"a rule after a list is no underline":  {"# A\n- b\n---\nc", []passage{{"A", "- b\n---\nc"}}},
		"a rule after a blank is no underline": {"# A\nb\n\n---\nc", []passage{{"A", "b\n\n---\nc"}}},
		"seven marks are text":                 {"####### a", []passage{{"", "####### a"}}},
		"a mark without a space is text":       {"#a\n#5", []passage{{"", "#a\n#5"}}},
		"comments are left out":                {"# A\nb\n<!-- c\n# d -->\ne", []passage{{"A", "b"}, {"A", "e"}}},
		"CRLF, CR and a byte order mark":       {"\ufeff# A\r\nb\r\n\r\n# C\rd\r", []passage{{"A", "b"}, {"C", "d"}}},
		"a heading with nothing under it":      {"# A\n## B\n## C\nc\n## D", []passage{{"A>B", "## B"}, {"A>C", "c"}, {"A>D", "## D"}}},
		"an empty heading is text":             {"#\na", []passage{{"", "#\na"}}},
		"headings of quotations are text":      {"# A\n> # b\n- # c", []passage{{"A", "> # b\n- # c"}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			sections, err := retrieval.Split("text/markdown; charset=UTF-8", []byte(c.content))
			if err != nil {
				t.Fatal(err)
			}
			var got []passage
			for _, s := range sections {
				got = append(got, passage{strings.Join(s.Path, ">"), s.Text})
				if len(s.Path) > 0 && s.Heading != s.Path[len(s.Path)-1] {
					t.Errorf("heading %q, path %q", s.Heading, s.Path)
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestSplitCutsLongSectionsAtBoundaries(t *testing.T) {
	sentence := "A entrega leva de dois a cinco dias úteis, conforme o CEP do destino. "
	cases := map[string]struct{ content, ends string }{
		"between sentences":  {"# A\n" + strings.Repeat(sentence, 60), "."},
		"between paragraphs": {"# A\n" + strings.Repeat(strings.Repeat("palavra ", 40)+"fim\n\n", 10), "fim"},
		"between items":      {"# A\n" + strings.Repeat("- "+strings.Repeat("item ", 30)+"último\n", 20), "último"},
		"between words":      {"# A\n" + strings.Repeat("aç ", 2000), "aç"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			sections, err := retrieval.Split("text/markdown", []byte(c.content))
			if err != nil {
				t.Fatal(err)
			}
			if len(sections) < 3 {
				t.Fatalf("%d passages", len(sections))
			}
			var words int
			for _, s := range sections {
				if n := utf8.RuneCountInString(s.Text); n > retrieval.MaxPassage || n < 100 && s.Text != sections[len(sections)-1].Text {
					t.Errorf("a passage of %d characters", n)
				}
				if !strings.HasSuffix(s.Text, c.ends) || s.Heading != "A" {
					t.Errorf("%q ends %q", s.Heading, s.Text[len(s.Text)-20:])
				}
				words += len(strings.Fields(s.Text))
			}
			if want := len(strings.Fields(c.content)) - 2; words != want {
				t.Errorf("%d words, want %d", words, want)
			}
		})
	}
}

func TestSplitPlainTextKnowsNoHeadings(t *testing.T) {
	sections, err := retrieval.Split("text/plain", []byte("# A\n\nb\n"))
	if err != nil || len(sections) != 1 || sections[0].Heading != "" || sections[0].Text != "# A\n\nb" {
		t.Errorf("%+v, %v", sections, err)
	}
}

func TestSplitRefuses(t *testing.T) {
	cases := map[string]struct {
		contentType, content string
		kind                 fault.Kind
		code                 string
	}{
		"another type":      {"application/pdf", "a", fault.Invalid, "content_type_unsupported"},
		"another charset":   {"text/plain; charset=iso-8859-1", "a", fault.Invalid, "content_type_unsupported"},
		"no type":           {"", "a", fault.Invalid, "content_type_unsupported"},
		"Latin-1":           {"text/plain", "devolu\xe7\xe3o", fault.Invalid, "document_not_utf8"},
		"UTF-16":            {"text/plain", "\xff\xfea\x00", fault.Invalid, "document_not_utf8"},
		"a zero byte":       {"text/plain", "a\x00b", fault.Invalid, "document_has_nul"},
		"nothing":           {"text/markdown", "", fault.Invalid, "document_empty"},
		"white space":       {"text/plain", "\ufeff \r\n\t\n", fault.Invalid, "document_empty"},
		"a comment":         {"text/markdown", "<!-- a -->", fault.Invalid, "document_empty"},
		"too many bytes":    {"text/plain", strings.Repeat("a", retrieval.MaxDocument+1), fault.TooLarge, "document_too_large"},
		"too many passages": {"text/markdown", strings.Repeat("# a\nb\n", retrieval.MaxPassages+1), fault.TooLarge, "document_too_many_passages"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := retrieval.Split(c.contentType, []byte(c.content))
			var f *fault.Error
			if !asFault(err, &f) || f.Kind != c.kind || f.Code != c.code {
				t.Errorf("%v, want %s", err, c.code)
			}
		})
	}
}

func TestSplitLanguageIsOfThePassage(t *testing.T) {
	sections, err := retrieval.Split("text/markdown", []byte("# Entrega\nEntregamos em todo o Brasil em até cinco dias úteis.\n"+
		"# Delivery\nWe deliver to all of Brazil within five business days.\n# Pix\n1234\n# Horário\nDas 9h às 18h, exceto nos feriados da cidade.\n"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range sections {
		got = append(got, s.Heading+" "+s.Language)
	}
	if d := cmp.Diff([]string{"Entrega pt-BR", "Delivery en", "Pix pt-BR", "Horário pt-BR"}, got); d != "" {
		t.Error(d)
	}
}

// hostile are documents that make parsers slow: the work on each must grow with its length, not faster.
func hostile(n int) map[string]string {
	return map[string]string{
		"quotes":      strings.Repeat(">", n),
		"lists":       strings.Repeat("- ", n/2),
		"items":       strings.Repeat("- a\n\n\n", n/6),
		"lazy":        strings.Repeat(">", n/2) + strings.Repeat("\na", n/4),
		"underlines":  strings.Repeat("a", n/2) + strings.Repeat("\n===", n/8),
		"paragraph":   strings.Repeat("a\n", n/2) + "===",
		"brackets":    strings.Repeat("[", n),
		"links":       strings.Repeat("# [a](", n/6),
		"fences":      strings.Repeat("```\n", n/4),
		"comments":    strings.Repeat("<!--\n", n/5),
		"stops":       strings.Repeat(".", n),
		"half stops":  strings.Repeat("a. ", n/3),
		"long title":  "# " + strings.Repeat("a", n),
		"long word":   strings.Repeat("a", n),
		"hyphens":     strings.Repeat("a-", n/2),
		"digits":      strings.Repeat("1.", n/2),
		"blank lines": strings.Repeat("\n", n) + "a",
		"spaces":      "a" + strings.Repeat(" ", n) + "b",
		"marks":       "a" + strings.Repeat("\u0301", n/2),
	}
}

// The bound is hundreds of times what the slowest takes, and less than quadratic work would.
func TestSplitAndBuildOnHostileDocuments(t *testing.T) {
	for name, content := range hostile(retrieval.MaxDocument / 8) {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			sections, err := retrieval.Split("text/markdown", []byte(content))
			if err != nil && !fault.Is(err, fault.TooLarge) && !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			var passages []retrieval.Passage
			for i, s := range sections {
				passages = append(passages, retrieval.Passage{PassageID: fmt.Sprint(i), Heading: s.Heading, Path: s.Path, Text: s.Text, Language: s.Language})
			}
			retrieval.Build(passages).Search(content[:min(len(content), 5000)], "", 5)
			took := time.Since(start)
			t.Logf("%d passages in %s", len(sections), took)
			if took > time.Minute {
				t.Errorf("took %s", took)
			}
		})
	}
}

func FuzzSplit(f *testing.F) {
	for _, content := range hostile(200) {
		f.Add("text/markdown", []byte(content))
	}
	f.Add("text/markdown", []byte("# A\r\n- b\n\n    c\n~~~\nd\n~~~\n<!-- e\n-->\nf\n---\n"))
	f.Add("text/plain", []byte("Sr. João paga R$ 50,00. E agora? Às 10h."))
	f.Add("text/markdown", []byte("# A\n"+strings.Repeat("ção. ", 500)))
	f.Fuzz(func(t *testing.T, contentType string, content []byte) {
		sections, err := retrieval.Split(contentType, content)
		if err != nil {
			if k := fault.KindOf(err); k != fault.Invalid && k != fault.TooLarge {
				t.Fatal(err)
			}
			return
		}
		if len(sections) == 0 || len(sections) > retrieval.MaxPassages {
			t.Fatalf("%d passages", len(sections))
		}
		document := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(content))
		for _, s := range sections {
			if n := utf8.RuneCountInString(s.Text); n == 0 || n > retrieval.MaxPassage || !strings.Contains(document, s.Text) {
				t.Fatalf("%q (%d characters) of %q", s.Text, n, document)
			}
			if utf8.RuneCountInString(s.Heading) > retrieval.MaxHeading || s.Language != retrieval.Portuguese && s.Language != retrieval.English {
				t.Fatalf("%+v", s)
			}
			for _, part := range retrieval.Sentences(s.Text) {
				if part == "" || !strings.Contains(s.Text, part) {
					t.Fatalf("sentence %q of %q", part, s.Text)
				}
			}
		}
	})
}
