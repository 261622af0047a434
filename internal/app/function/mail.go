package function

import (
	"fmt"

	sesapi "github.com/aws/aws-sdk-go-v2/service/ses"

	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/mail/ses"
)

// sender returns how NOWGO_MAIL says that mail is sent: `ses:` from the address in NOWGO_MAIL_FROM; nil where it is empty.
func (d deployment) sender() (mail.Sender, error) {
	switch d.env.Mail {
	case "":
		return nil, nil //nolint:nilnil // no mail is a way to run
	case "ses:":
		s, err := ses.New(sesapi.NewFromConfig(d.aws), d.env.MailFrom, d.system)
		if err != nil {
			return nil, fmt.Errorf("NOWGO_MAIL_FROM: %w", err)
		}
		return s, nil
	}
	return nil, fmt.Errorf("NOWGO_MAIL is not `ses:`, the one way that functions send mail: %w", mail.ErrMessage)
}
