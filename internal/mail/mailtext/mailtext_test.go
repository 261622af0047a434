package mailtext

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/mail"
)

var at = time.Date(2026, 11, 23, 18, 5, 0, 0, time.FixedZone("", -3*3600))

// hostile is a value that would be markup, a header, a placeholder, another paragraph or another link if anything let it.
const hostile = "<b>\"Eve\" & 'co'</b>\r\nBcc: eve@evil.example\n\n@ Click: {url}\x00"

// all is every mail there is, by the name of its text.
func all(to To, typed string) map[string]mail.Message {
	invited := Invited{Client: typed, URL: "https://x.example/invitation#token=nin_a&b", Expires: at}
	return map[string]mail.Message{
		"invitation":               Invitation(to, invited),
		"administrator_invitation": AdministratorInvitation(to, invited),
		"password_reset":           PasswordReset(to, "https://x.example/reset#token=npr_a", at),
		"password_changed":         PasswordChanged(to, at),
		"assumed_session":          AssumedSession(to, Assumed{Client: typed, Administrator: typed, Reason: typed, Until: at}),
		"second_factor_enabled":    SecondFactor(to, FactorEnabled, at),
		"second_factor_removed":    SecondFactor(to, FactorRemoved, at),
		"recovery_codes_renewed":   SecondFactor(to, CodesRenewed, at),
		"recovery_code_used":       SecondFactor(to, CodeUsed, at),
	}
}

func TestEveryMailExistsInBothLanguagesAndForms(t *testing.T) {
	braces := regexp.MustCompile(`\{[a-z_]+\}`)
	for language, date := range map[string]string{"pt-BR": "23/11/2026 21:05", "en": "November 23, 2026 21:05"} {
		var files []string
		if err := fs.WalkDir(texts, "texts/"+language, func(_ string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files = append(files, strings.TrimSuffix(d.Name(), ".txt"))
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		mails := all(To{"ana@x.example", "Ana", language}, "Loja Azul")
		if len(mails) != len(files) {
			t.Errorf("%s: %d mails, %d texts", language, len(mails), len(files))
		}
		for name, m := range mails {
			if !slices.Contains(files, name) {
				t.Errorf("%s: no text for %s", language, name)
			}
			if m.To != "ana@x.example" || m.Subject == "" || strings.ContainsAny(m.Subject, "\r\n") {
				t.Errorf("%s %s: to %q, subject %q", language, name, m.To, m.Subject)
			}
			for form, content := range map[string]string{"subject": m.Subject, "text": m.Text, "html": m.HTML} {
				if left := braces.FindAllString(content, -1); left != nil {
					t.Errorf("%s %s: %s is not filled: %q", language, name, form, left)
				}
			}
			for form, content := range map[string]string{"text": m.Text, "html": m.HTML} {
				if !strings.Contains(content, "Ana") || !strings.Contains(content, date) {
					t.Errorf("%s %s: %s lacks the name or %s:\n%s", language, name, form, date, content)
				}
			}
			if !strings.Contains(m.HTML, `<html lang="`+language+`">`) || strings.Contains(m.Text, "<p>") {
				t.Errorf("%s %s: forms are mixed up:\n%s\n%s", language, name, m.Text, m.HTML)
			}
		}
	}
}

func TestLanguagesUseTheSameValues(t *testing.T) {
	braces := regexp.MustCompile(`\{[a-z_]+\}`)
	for name := range all(To{}, "") {
		var used [2][]string
		for i, language := range []string{"pt-BR", "en"} {
			source, err := texts.ReadFile("texts/" + language + "/" + name + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			used[i] = braces.FindAllString(string(source), -1)
			slices.Sort(used[i])
		}
		if !slices.Equal(used[0], used[1]) {
			t.Errorf("%s: pt-BR uses %v, en %v", name, used[0], used[1])
		}
	}
}

func TestMailsSayTheirValues(t *testing.T) {
	to := To{"ana@x.example", "Ana", "en"}
	m := AssumedSession(to, Assumed{"Loja Azul", "Bruno", "ticket 12\nasked by phone", at})
	for _, want := range []string{"Bruno", "Loja Azul", "> ticket 12\n> asked by phone\n"} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("text lacks %q:\n%s", want, m.Text)
		}
	}
	if !strings.Contains(m.HTML, "<blockquote>ticket 12<br>asked by phone</blockquote>") {
		t.Errorf("html lacks the reason:\n%s", m.HTML)
	}
	url := "https://x.example/reset#token=a&b"
	m = PasswordReset(to, url, at)
	if !strings.Contains(m.Text, "\n"+url+"\n") || !strings.Contains(m.HTML, `<a href="https://x.example/reset#token=a&amp;b">`) {
		t.Errorf("no link:\n%s\n%s", m.Text, m.HTML)
	}
}

func TestUnknownLanguageIsPortuguese(t *testing.T) {
	if m := PasswordChanged(To{"a@x.example", "Ana", "../en"}, at); !strings.Contains(m.Subject, "senha") {
		t.Errorf("subject %q", m.Subject)
	}
}

func TestNothingTypedBecomesStructure(t *testing.T) {
	for _, language := range []string{"pt-BR", "en"} {
		for name, m := range all(To{"ana@x.example", hostile, language}, hostile) {
			if strings.ContainsAny(m.Subject, "\r\n\x00") {
				t.Errorf("%s %s: subject %q", language, name, m.Subject)
			}
			if strings.ContainsAny(m.HTML, "\r\x00") || strings.Contains(m.HTML, "<b>") || strings.Contains(m.HTML, `"Eve"`) {
				t.Errorf("%s %s: not escaped:\n%s", language, name, m.HTML)
			}
			if strings.Count(m.HTML, "<a ") > 1 || strings.ContainsAny(m.Text, "\r\x00") {
				t.Errorf("%s %s: a value became a link or a control character:\n%s", language, name, m.HTML)
			}
			if !strings.Contains(m.HTML, "{url}") { // of the hostile value: not filled a second time
				t.Errorf("%s %s: a value was filled again:\n%s", language, name, m.HTML)
			}
		}
	}
}
