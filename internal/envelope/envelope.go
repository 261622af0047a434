// Package envelope encrypts secrets that the platform must be able to read again: credentials of clients, second factors of persons.
// Each is AES-256-GCM under a data key of its owner. Whose a secret is and what it is for is the encryption context: it binds the data key and
// is authenticated with the secret, so that one client's ciphertext opens under no other client and for no other purpose (invariant 6).
//
// A [Box] does the encryption; where its data keys come from is the adapter's: envelope/local derives them from the platform's secret,
// envelope/kms has AWS KMS make them. Both pass envelope/envelopetest.
package envelope

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/nowgo/agents/internal/tenant"
)

// Limits.
const (
	MaxPlaintext = 64 << 10 // bytes of a secret
	MaxPurpose   = 32       // bytes of a purpose
	KeyBytes     = 32       // of a data key: AES-256
)

// Sealer encrypts and decrypts. Implementations may be used concurrently. A purpose is 1 to [MaxPurpose] lower-case letters, digits, `_` and `-`;
// it is no secret. No error holds a part of the plaintext.
//
// Errors of all methods: [ErrContext], [ErrUnavailable] (also where the owner's credentials do not reach the key), that of ctx.
type Sealer interface {
	// Seal encrypts a secret of the client. Errors: [ErrTooLarge].
	Seal(ctx context.Context, client tenant.ID, purpose string, plaintext []byte) ([]byte, error)
	// Open returns what Seal was given for the same client and purpose. Errors: [ErrOpen].
	Open(ctx context.Context, client tenant.ID, purpose string, sealed []byte) ([]byte, error)
	// SealPerson encrypts a secret of a person (per_…), who belongs to no client (invariant 14). Errors: [ErrTooLarge].
	SealPerson(ctx context.Context, person, purpose string, plaintext []byte) ([]byte, error)
	// OpenPerson returns what SealPerson was given for the same person and purpose. Errors: [ErrOpen].
	OpenPerson(ctx context.Context, person, purpose string, sealed []byte) ([]byte, error)
}

// Errors of the port.
var (
	// ErrOpen is returned for what was not sealed by this deployment, for another owner or purpose, or was changed since. It
	// does not say which.
	ErrOpen        = errors.New("envelope: cannot be opened")
	ErrContext     = errors.New("envelope: neither an owner nor a purpose may have this form")
	ErrTooLarge    = errors.New("envelope: too large")
	ErrUnavailable = errors.New("envelope: no answer about the key")
)

// The names of the encryption context's parts. IAM policies compare them: kms:EncryptionContext:client_id.
const (
	NameClient  = "client_id"
	NamePerson  = "person_id"
	NamePurpose = "purpose"
)

// Context is whose a secret is and what it is for. Only this package makes one.
type Context struct {
	kind    string // NameClient or NamePerson
	owner   string
	purpose string
}

func clientContext(client tenant.ID, purpose string) (Context, error) {
	if _, err := tenant.Parse(string(client)); err != nil {
		return Context{}, fmt.Errorf("%w: client", ErrContext)
	}
	return made(NameClient, string(client), purpose)
}

func personContext(person, purpose string) (Context, error) {
	const prefix = "per_"
	if len(person) <= len(prefix) || len(person) > 64 || person[:len(prefix)] != prefix || !plain(person) {
		return Context{}, fmt.Errorf("%w: person", ErrContext)
	}
	return made(NamePerson, person, purpose)
}

func made(kind, owner, purpose string) (Context, error) {
	if purpose == "" || len(purpose) > MaxPurpose || !plain(purpose) {
		return Context{}, fmt.Errorf("%w: purpose", ErrContext)
	}
	return Context{kind, owner, purpose}, nil
}

func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// Client returns the client whose the secret is, or false for a person's.
func (c Context) Client() (tenant.ID, bool) { return tenant.ID(c.owner), c.kind == NameClient }

// Pairs returns the context as names and values (KMS, EncryptionContext).
func (c Context) Pairs() map[string]string {
	return map[string]string{c.kind: c.owner, NamePurpose: c.purpose}
}

// Bytes returns the context in one unambiguous form: every part behind its length.
func (c Context) Bytes() []byte {
	var b []byte
	for _, part := range []string{c.kind, c.owner, c.purpose} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(part)))
		b = append(b, part...)
	}
	return b
}
