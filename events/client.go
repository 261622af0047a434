package events

import "time"

// ClientCreated is the change of client.created.
type ClientCreated struct {
	Slug      string   `json:"slug"`
	Languages []string `json:"languages"` // BCP 47: pt-BR, en; at least one
	Plan      string   `json:"plan"`      // starter, standard or business
}

// ClientUpdated is the change of client.updated.
type ClientUpdated struct {
	Fields  []string `json:"fields"`         // JSON names, in byte order, at least one
	Plan    string   `json:"plan,omitempty"` // the new one, where it differs
	Version int64    `json:"version"`        // of the client's item after the update
}

// ClientSuspended is the change of client.suspended. The reason that was given is text, and so in the private part.
type ClientSuspended struct {
	Version int64 `json:"version"` // of the client's item after the suspension
}

// ClientResumed is the change of client.resumed.
type ClientResumed struct {
	Version int64 `json:"version"` // of the client's item after resuming
}

// ClientOffboarded is the change of client.offboarded: its people are out, and everything it has will be erased.
type ClientOffboarded struct {
	EraseAt time.Time `json:"erase_at"` // the end of the grace period
	Version int64     `json:"version"`  // of the client's item after it
}

// ClientRestored is the change of client.restored: the client was taken back within its grace period.
type ClientRestored struct {
	Version int64 `json:"version"` // of the client's item after it
}

// ErasureAdvanced is the change of client.erasure_advanced, in the platform's trail.
type ErasureAdvanced struct {
	ClientID string `json:"erased_client_id"`
	Stage    string `json:"stage"` // started, interrupted (and to be gone on with), or emptied
}

// ClientErased is the change of client.erased, in the platform's trail: nothing of the client is left but its id and the certificate.
type ClientErased struct {
	ClientID          string    `json:"erased_client_id"`
	Removed           []Removed `json:"removed"`            // in the order of the kinds
	CertificateSHA256 string    `json:"certificate_sha256"` // of the certificate's compact form, in hexadecimal
}

// Removed is how many of a kind were removed: items of the table by the beginning of their key, files, logins.
type Removed struct {
	Kind  string `json:"kind"`
	Count int    `json:"count"`
}
