package identity

import (
	"html"
	"strings"
	"time"

	"github.com/nowgo/agents/internal/mail"
)

// inviteText is what the mail says in one language; %name, %client, %date and %url are filled in.
type inviteText struct {
	subject, hello, body, button, expires, ignore, date string
}

var inviteTexts = map[string]inviteText{
	"pt-BR": {
		subject: "Convite para %client",
		hello:   "Olá, %name!",
		body:    "Você foi convidado a entrar em %client na plataforma de agentes da NowGo. Abra o endereço abaixo para aceitar.",
		button:  "Aceitar o convite",
		expires: "O convite vale uma única vez, até %date (UTC).",
		ignore:  "Se já tem um acesso com este e-mail, use a sua senha de sempre. Se não esperava este convite, ignore esta mensagem.",
		date:    "02/01/2006 15:04",
	},
	"en": {
		subject: "Invitation to %client",
		hello:   "Hello %name,",
		body:    "You have been invited to join %client on the NowGo agents platform. Open the address below to accept.",
		button:  "Accept the invitation",
		expires: "The invitation works once, until %date (UTC).",
		ignore:  "If you already have a login with this address, use its own password. If you did not expect this, ignore this message.",
		date:    "January 2, 2006 15:04",
	},
}

// invitationMail returns the mail of an invitation in the input's language. It is built by hand: html/template would keep every
// method of every SDK alive in the functions' binaries.
func invitationMail(in InviteInput, url string, expires time.Time) *mail.Message {
	t := inviteTexts[in.Language]
	client := in.ClientName
	if client == "" {
		client = "NowGo"
	}
	fill := func(s string, escape func(string) string) string {
		return strings.NewReplacer("%name", escape(in.Name), "%client", escape(client),
			"%date", expires.UTC().Format(t.date)).Replace(s)
	}
	plain := func(s string) string { return s }
	text := func(s string) string { return fill(s, plain) }
	markup := func(s string) string { return fill(s, html.EscapeString) }
	return &mail.Message{
		To:      in.Email,
		Subject: text(t.subject),
		Text: strings.Join([]string{text(t.hello), text(t.body), url, text(t.expires), text(t.ignore)}, "\n\n") +
			"\n",
		HTML: `<!doctype html><html lang="` + in.Language + `"><meta charset="utf-8"><body>` +
			"<p>" + markup(t.hello) + "</p><p>" + markup(t.body) + "</p>" +
			`<p><a href="` + html.EscapeString(url) + `">` + markup(t.button) + "</a></p>" +
			"<p>" + markup(t.expires) + "</p><p>" + markup(t.ignore) + "</p></body></html>\n",
	}
}
