package events

import "time"

// APIKeyCreated is the change of api_key.created.
type APIKeyCreated struct {
	KeyID     string    `json:"key_id"`
	Prefix    string    `json:"prefix"` // of its credential
	Role      string    `json:"role"`
	Scopes    []string  `json:"scopes"` // operation ids, in byte order
	Rate      int       `json:"rate"`   // requests a minute; 0: no limit of its own
	ExpiresAt time.Time `json:"expires_at"`
}

// APIKeyRotated is the change of api_key.rotated: it has a new secret.
type APIKeyRotated struct {
	KeyID          string `json:"key_id"`
	OverlapMinutes int    `json:"overlap_minutes"` // for which the secret before still works
	Version        int64  `json:"version"`
}

// APIKeyRevoked is the change of api_key.revoked.
type APIKeyRevoked struct {
	KeyID  string `json:"key_id"`
	Prefix string `json:"prefix"`
}

// APIKeyUsed is the change of api_key.used, which is written at most once an hour for a key.
type APIKeyUsed struct {
	KeyID string `json:"key_id"`
}

// SessionAssumed is the change of session.assumed: a global administrator works inside a client. What they gave as a reason is in the
// event's private part.
type SessionAssumed struct {
	SessionID   string    `json:"session_id"`
	UserID      string    `json:"user_id"` // the global administrator's
	ReasonGiven bool      `json:"reason_given"`
	ExpiresAt   time.Time `json:"expires_at"` // when it ends; it cannot be prolonged
}

// SessionAnnounced is the change of session.announced: the client's administrators were told by mail that a session was assumed.
type SessionAnnounced struct {
	SessionID string `json:"session_id"`
	Told      int    `json:"told"`   // mails accepted for delivery
	Failed    int    `json:"failed"` // mails that were not
}
