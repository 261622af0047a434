package monolith

import (
	"fmt"
	"strings"

	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/mail/folder"
	"github.com/nowgo/agents/internal/mail/smtp"
	"github.com/nowgo/agents/internal/system"
)

const folderSender = "NowGo <no-reply@nowgo.example>" // of mails that go nowhere

// sender returns how NOWGO_MAIL says that mail is sent: through a server, smtp:// or smtps://, or into a folder; nil where it is empty.
// From is NOWGO_MAIL_FROM, which a server needs. No error holds the password of a URL.
func sender(where, from string, sys system.System) (mail.Sender, error) {
	switch {
	case where == "":
		return nil, nil //nolint:nilnil // no mail is a way to run
	case strings.HasPrefix(where, "smtp:") || strings.HasPrefix(where, "smtps:"):
		if from == "" {
			return nil, fmt.Errorf("cannot send mail: NOWGO_MAIL_FROM is not set: %w", mail.ErrMessage)
		}
		s, err := smtp.New(where, from, sys, nil)
		if err != nil {
			return nil, fmt.Errorf("cannot send mail as NOWGO_MAIL and NOWGO_MAIL_FROM say: %w", err)
		}
		return s, nil
	case strings.Contains(where, "://") || where == "ses:":
		return nil, fmt.Errorf("NOWGO_MAIL is neither a folder nor smtp:// nor smtps://: %w", smtp.ErrURL)
	}
	if from == "" {
		from = folderSender
	}
	f, err := folder.New(where, from, sys)
	if err != nil {
		return nil, fmt.Errorf("cannot use the folder of NOWGO_MAIL: %w", err)
	}
	return f, nil
}
