// Package session has sessions as the API shows them, to their own users and to the administrators of a client.
package session

import (
	"time"

	"github.com/nowgo/agents/internal/identity"
)

// Session is a signed-in session. Its id names it and lets nobody in.
type Session struct {
	ID          string     `json:"id" example:"ses_k3j5n7q2w4x6y2a3b5c7d2e4f6"`
	CreatedAt   time.Time  `json:"created_at"`
	RefreshedAt *time.Time `json:"refreshed_at" nullable:"true" doc:"When it was last refreshed; null: never"`
	ExpiresAt   time.Time  `json:"expires_at" doc:"When it ends, however often it is refreshed"`
	Method      string     `json:"method" example:"password" doc:"How it was started: password, invitation, switch or another"`
	Factors     []string   `json:"factors" nullable:"false" example:"[\"pwd\",\"otp\"]" doc:"What the person has shown: pwd, otp, recovery, invitation"`
	Restricted  bool       `json:"restricted" doc:"It may do nothing but enrol a second factor"`
	Address     string     `json:"address,omitempty" example:"203.0.113.9" doc:"Network address of the last sign-in or refresh"`
	UserAgent   string     `json:"user_agent,omitempty" doc:"Of the last sign-in or refresh"`
	Current     bool       `json:"current" doc:"The session that asks"`
}

// Of returns a session as the API shows it.
func Of(s identity.Session) Session {
	out := Session{ID: s.ID, CreatedAt: s.CreatedAt, ExpiresAt: s.ExpiresAt, Method: s.Method, Factors: s.Factors, Restricted: s.Restricted,
		Address: s.Address, UserAgent: s.UserAgent, Current: s.Current}
	if out.Factors == nil {
		out.Factors = []string{}
	}
	if !s.RefreshedAt.IsZero() {
		out.RefreshedAt = &s.RefreshedAt
	}
	return out
}
