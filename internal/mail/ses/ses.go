// Package ses sends mail through Amazon SES (SendRawEmail). The function's role needs ses:SendRawEmail for the sender's identity, with the
// sender as its condition ses:FromAddress.
//
// It is the first version of SES's API: the second does the same here, and its client is 0.4 MB larger in each function.
package ses

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ses"
	"github.com/aws/aws-sdk-go-v2/service/ses/types"
	"github.com/aws/smithy-go"

	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/mail/message"
	"github.com/nowgo/agents/internal/system"
)

// timeout is how long SES may take to accept a mail, all tries of the SDK together.
const timeout = 8 * time.Second

// API is what is asked of SES.
type API interface {
	SendRawEmail(ctx context.Context, in *ses.SendRawEmailInput, options ...func(*ses.Options)) (*ses.SendRawEmailOutput, error)
}

// SES is a [mail.Sender]. It may be used concurrently.
type SES struct {
	api    API
	writer message.Writer
}

// New returns a sender from an address, with or without a name, whose address or domain SES has verified.
func New(api API, from string, sys system.System) (*SES, error) {
	writer, err := message.NewWriter(from, sys)
	if err != nil {
		return nil, err
	}
	return &SES{api, writer}, nil
}

// Send implements [mail.Sender]. It ends with ctx, and after 8 seconds at the latest. SES takes no address whose local part is not ASCII:
// such a one is a [mail.ErrMessage].
func (s *SES) Send(ctx context.Context, m mail.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	written, err := s.writer.Write(m)
	if err != nil {
		return err
	}
	if strings.ContainsFunc(written.To, func(r rune) bool { return r > 0x7e }) {
		return mail.ErrMessage
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	_, err = s.api.SendRawEmail(ctx, &ses.SendRawEmailInput{Source: aws.String(s.writer.From()), Destinations: []string{written.To},
		RawMessage: &types.RawMessage{Data: written.Raw}})
	if err != nil {
		return errors.Join(ctx.Err(), discreet(err))
	}
	return nil
}

// discreet returns err without the service's own words, which name the recipient.
func discreet(err error) error {
	var said smithy.APIError
	if errors.As(err, &said) {
		return fmt.Errorf("mail: SES answered %s", said.ErrorCode())
	}
	return fmt.Errorf("mail: SES: %w", err)
}
