// Package mail is the port that sends mail to people. The adapter mail/folder writes `.eml` files into a folder.
package mail

import "context"

// Message is one mail to one person. Both forms say the same.
type Message struct {
	To      string // an address, already validated
	Subject string
	Text    string
	HTML    string
}

// Sender sends mail. Implementations may be used concurrently.
type Sender interface {
	// Send returns when the message was accepted for delivery.
	Send(ctx context.Context, m Message) error
}
