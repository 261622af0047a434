package function

import (
	"testing"

	"github.com/nowgo/agents/internal/mail/ses"
	"github.com/nowgo/agents/internal/settings"
)

func TestFunctionsSendMailThroughSESOrNotAtAll(t *testing.T) {
	const from = "NowGo <no-reply@lojaazul.example>"
	for _, c := range []struct {
		where, from string
		sends, ok   bool
	}{{"", "", false, true}, {"ses:", from, true, true}, {"ses:", "", false, false}, {"smtp://mail.example.com", from, false, false},
		{"./mail", from, false, false}} {
		vars := map[string]string{"NOWGO_MAIL": c.where, "NOWGO_MAIL_FROM": c.from}
		for name, v := range handed {
			vars[name] = v
		}
		v, err := readEnv(settings.From(vars))
		if err != nil {
			t.Fatal(err)
		}
		d, err := deploy(v)
		if err != nil {
			t.Fatal(err)
		}
		s, err := d.sender()
		if _, sends := s.(*ses.SES); sends != c.sends || (err == nil) != c.ok || s == nil && c.sends {
			t.Errorf("%q from %q: %T, %v", c.where, c.from, s, err)
		}
	}
}
