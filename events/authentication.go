package events

import "time"

// UserInvited is the change of user.invited.
type UserInvited struct {
	InvitationID string    `json:"invitation_id"`
	Role         string    `json:"role"`
	ExpiresAt    time.Time `json:"expires_at"`
}

// InvitationAccepted is the change of invitation.accepted.
type InvitationAccepted struct {
	InvitationID string `json:"invitation_id"`
	UserID       string `json:"user_id"`
	Role         string `json:"role"`
}

// SessionStarted is the change of session.started.
type SessionStarted struct {
	SessionID string    `json:"session_id"`
	Method    string    `json:"method"` // password, invitation or switch
	Role      string    `json:"role"`
	ExpiresAt time.Time `json:"expires_at"` // when it ends unless it is refreshed
	// Factors is what the person has shown, in that order: pwd, otp, recovery, invitation.
	Factors    []string `json:"factors,omitempty"`
	Restricted bool     `json:"restricted,omitempty"` // until the person has enrolled a second factor
}

// SessionRefused is the change of session.refused: somebody tried to sign in or to refresh, and was not let in.
type SessionRefused struct {
	Method string `json:"method"` // password, invitation or refresh
	// Reason is a code: bad_credentials, not_a_member, ambiguous_client, client_suspended, user_inactive, token_reused,
	// superseded, sessions_revoked, too_many_attempts, or another in snake_case.
	Reason string `json:"reason"`
}

// SessionRefreshed is the change of session.refreshed.
type SessionRefreshed struct {
	SessionID  string    `json:"session_id"`
	Generation int64     `json:"generation"` // of the refresh token, 1 at sign-in
	ExpiresAt  time.Time `json:"expires_at"`
}

// SessionEnded is the change of session.ended.
type SessionEnded struct {
	SessionID string `json:"session_id"`
	Reason    string `json:"reason"` // signed_out, token_reused, or another in snake_case
}

// AdministratorCreated is the change of administrator.created: a global administrator, who belongs to no client.
type AdministratorCreated struct {
	UserID     string `json:"user_id"`
	FirstStart bool   `json:"first_start"` // made by the platform itself at its first start
}
