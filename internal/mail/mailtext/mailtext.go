// Package mailtext writes the mails that the platform sends, in the languages it speaks. One text under texts/ for each mail and
// language gives both forms, plain and HTML, so that they always say the same.
//
// A text's first line is the subject; paragraphs follow, with an empty line between them. One that begins with "@ " is a link,
// `@ label: {url}`, and one that begins with "> " quotes what somebody wrote. Values stand in braces. They are filled in after the
// text was taken apart, and escaped in HTML, so nothing that a person typed becomes part of the mail's structure. It is done by hand:
// html/template would keep every method of every SDK alive in the functions' binaries.
package mailtext

import (
	"time"

	"github.com/nowgo/agents/internal/mail"
)

// To is who a mail is for.
type To struct {
	Email    string
	Name     string
	Language string // pt-BR or en; any other: pt-BR
}

// Invited is what an invitation's mail says.
type Invited struct {
	Client  string // the company's name; empty: NowGo
	URL     string
	Expires time.Time
}

// Invitation invites somebody into a client.
func Invitation(to To, v Invited) mail.Message { return v.mail("invitation", to) }

// AdministratorInvitation invites somebody to administer a client.
func AdministratorInvitation(to To, v Invited) mail.Message {
	return v.mail("administrator_invitation", to)
}

func (v Invited) mail(text string, to To) mail.Message {
	if v.Client == "" {
		v.Client = "NowGo"
	}
	return write(text, to, values{"client": v.Client, "url": v.URL}, v.Expires)
}

// PasswordReset carries the link with which its reader chooses a new password, until it expires.
func PasswordReset(to To, url string, expires time.Time) mail.Message {
	return write("password_reset", to, values{"url": url}, expires)
}

// PasswordChanged tells a person that their password was changed or reset at the time.
func PasswordChanged(to To, at time.Time) mail.Message {
	return write("password_changed", to, nil, at)
}

// Assumed is what a client's administrators are told of a session that a global administrator opened inside their client.
type Assumed struct {
	Client        string // the company's name
	Administrator string // who it is: the global administrator's name
	Reason        string // as they wrote it
	Until         time.Time
}

// AssumedSession tells a client's administrator of a session that a global administrator opened inside the client.
func AssumedSession(to To, v Assumed) mail.Message {
	return write("assumed_session", to, values{"client": v.Client, "administrator": v.Administrator, "reason": v.Reason}, v.Until)
}

// FactorChange is what happened to a second factor.
type FactorChange string

// The changes of a second factor.
const (
	FactorEnabled FactorChange = "second_factor_enabled"
	FactorRemoved FactorChange = "second_factor_removed"
	CodesRenewed  FactorChange = "recovery_codes_renewed"
	CodeUsed      FactorChange = "recovery_code_used"
)

// SecondFactor tells a person what happened to their second factor at the time.
func SecondFactor(to To, what FactorChange, at time.Time) mail.Message {
	return write(string(what), to, nil, at)
}
