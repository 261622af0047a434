package events

import "time"

// PasswordResetRequested is the change of password.reset_requested: somebody asked for the link with which a login's password is set
// anew. Where the address has no login, and where no mail is configured, the result is a failure and nothing was sent.
type PasswordResetRequested struct {
	ResetID   string    `json:"reset_id"`
	ExpiresAt time.Time `json:"expires_at"` // of the link
}

// PasswordReset is the change of password.reset: a person set a new password with a mailed link, and every session of theirs ended.
type PasswordReset struct {
	ResetID string `json:"reset_id"`
}

// PasswordChanged is the change of password.changed: a person set a new password with the old one, and their other sessions ended.
type PasswordChanged struct {
	SessionID string `json:"session_id"` // that goes on
}
