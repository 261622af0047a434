package function

import (
	"context"
	"fmt"

	sesapi "github.com/aws/aws-sdk-go-v2/service/ses"

	"github.com/nowgo/agents/internal/app"
	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/mail/ses"
)

// Mail is a [Port]: how the environment sends mail, if it does.
func Mail(_ context.Context, d Deployment, ports *app.Ports) (err error) {
	ports.Mail, err = d.sender()
	return err
}

// sender returns how NOWGO_MAIL says that mail is sent: `ses:` from the address in NOWGO_MAIL_FROM; nil where it is empty.
func (d Deployment) sender() (mail.Sender, error) {
	switch d.Env.Mail {
	case "":
		return nil, nil //nolint:nilnil // no mail is a way to run
	case "ses:":
		s, err := ses.New(sesapi.NewFromConfig(d.AWS), d.Env.MailFrom, d.System)
		if err != nil {
			return nil, fmt.Errorf("NOWGO_MAIL_FROM: %w", err)
		}
		return s, nil
	}
	return nil, fmt.Errorf("NOWGO_MAIL is not `ses:`, the one way that functions send mail: %w", mail.ErrMessage)
}
