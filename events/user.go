package events

import "time"

// InvitationResent is the change of invitation.resent: a user who has not accepted yet got a new invitation.
type InvitationResent struct {
	InvitationID string    `json:"invitation_id"`
	Replaces     string    `json:"replaces"` // the invitation before, which is dead
	Role         string    `json:"role"`
	ExpiresAt    time.Time `json:"expires_at"`
}

// InvitationRevoked is the change of invitation.revoked: the invitation and the user, who had not accepted, are gone.
type InvitationRevoked struct {
	InvitationID string `json:"invitation_id"`
	Role         string `json:"role"`
}

// UserUpdated is the change of user.updated. Names are personal, and so in the private part.
type UserUpdated struct {
	Fields  []string   `json:"fields"`  // of name, role, status, within; in byte order, at least one
	Version int64      `json:"version"` // of the user's item after the update
	Role    Transition `json:"role"`
	Status  Transition `json:"status"`
	Within  []string   `json:"within"` // ids of the profiles and agents that it is limited to after the update; empty: no limit
}

// Transition is a value before and after; the same where it did not change.
type Transition struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// UserRemoved is the change of user.removed: a person is no longer in the client.
type UserRemoved struct {
	Role   string `json:"role"`
	Status string `json:"status"` // before: invited, active or disabled
}

// LoginCreated is the change of login.created, in the platform's trail alone, as is login.removed.
type LoginCreated struct {
	Method string `json:"method"` // invitation
}

// LoginRemoved is the change of login.removed, in the platform's trail alone: no client learns whether a person is in others.
type LoginRemoved struct {
	Reason string `json:"reason"` // last_membership: the person was in no other client
}
