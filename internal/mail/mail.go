// Package mail is the port that sends mail to people. The adapters are mail/folder (`.eml` files), mail/smtp and mail/ses; all pass
// mail/mailtest, and all send what mail/message writes.
package mail

import (
	"context"
	"errors"
)

// Message is one mail to one person. Both forms say the same.
type Message struct {
	To      string // an address, already validated
	Subject string
	Text    string
	HTML    string
}

// ErrMessage is wrapped by the error of a message that cannot be a mail: no single address to send it to, a subject or an address with
// control characters, which could add headers, or a subject over 900 bytes.
var ErrMessage = errors.New("mail: not a message that can be sent")

// Sender sends mail. Implementations may be used concurrently.
type Sender interface {
	// Send returns when the message was accepted for delivery. Errors: [ErrMessage], ctx's, those of the way it is sent; none of them
	// says who the message was for.
	Send(ctx context.Context, m Message) error
}
