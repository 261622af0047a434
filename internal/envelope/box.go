package envelope

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/nowgo/agents/internal/tenant"
)

// DataKey encrypts secrets. Wrapped is what finds it again: it is kept beside what the key encrypted, and is no secret.
type DataKey struct {
	Key     []byte // [KeyBytes]
	Wrapped []byte // at most [MaxWrapped] bytes
}

// MaxWrapped is the longest wrapped form of a data key in bytes; KMS's have some 200.
const MaxWrapped = 1024

// Keys gives data keys. Implementations may be used concurrently. The context is a part of what wraps a key: a key of one context
// is found under no other.
type Keys interface {
	// Scheme is a letter of the adapter's own, written before what its keys encrypt.
	Scheme() byte
	// New returns a key to encrypt with. It may give one key several times, of the same context, but no more than 2^20 times: each
	// time is one random nonce of 96 bits (NIST SP 800-38D §8.3 allows 2^32). Errors: [ErrUnavailable].
	New(ctx context.Context, of Context) (DataKey, error)
	// Unwrap returns the key with the wrapped form that New gave for the same context. Errors: [ErrOpen], [ErrUnavailable].
	Unwrap(ctx context.Context, of Context, wrapped []byte) ([]byte, error)
}

// Box is the [Sealer] over an adapter's keys. What it makes is
//
//	version 1 · scheme · length of the wrapped key, 2 bytes · wrapped key · nonce, 12 bytes · AES-256-GCM of the secret
//
// with everything before the nonce, and the encryption context, as additional data.
type Box struct {
	keys   Keys
	random io.Reader
}

var _ Sealer = (*Box)(nil)

// NewBox returns the sealer with the given keys. Random gives the nonces.
func NewBox(keys Keys, random io.Reader) *Box { return &Box{keys, random} }

const (
	version     = 1
	headerBytes = 4
	nonceBytes  = 12
	tagBytes    = 16
)

// Seal implements [Sealer].
func (b *Box) Seal(ctx context.Context, client tenant.ID, purpose string, plaintext []byte) ([]byte, error) {
	of, err := clientContext(client, purpose)
	if err != nil {
		return nil, err
	}
	return b.seal(ctx, of, plaintext)
}

// Open implements [Sealer].
func (b *Box) Open(ctx context.Context, client tenant.ID, purpose string, sealed []byte) ([]byte, error) {
	of, err := clientContext(client, purpose)
	if err != nil {
		return nil, err
	}
	return b.open(ctx, of, sealed)
}

// SealPerson implements [Sealer].
func (b *Box) SealPerson(ctx context.Context, person, purpose string, plaintext []byte) ([]byte, error) {
	of, err := personContext(person, purpose)
	if err != nil {
		return nil, err
	}
	return b.seal(ctx, of, plaintext)
}

// OpenPerson implements [Sealer].
func (b *Box) OpenPerson(ctx context.Context, person, purpose string, sealed []byte) ([]byte, error) {
	of, err := personContext(person, purpose)
	if err != nil {
		return nil, err
	}
	return b.open(ctx, of, sealed)
}

func (b *Box) seal(ctx context.Context, of Context, plaintext []byte) ([]byte, error) {
	if len(plaintext) > MaxPlaintext {
		return nil, ErrTooLarge
	}
	key, err := b.keys.New(ctx, of)
	if err != nil {
		return nil, err
	}
	if len(key.Wrapped) > MaxWrapped {
		return nil, fmt.Errorf("%w: a wrapped key of %d bytes", ErrUnavailable, len(key.Wrapped))
	}
	gcm, err := aead(key.Key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, headerBytes+len(key.Wrapped)+nonceBytes+len(plaintext)+tagBytes)
	out = append(out, version, b.keys.Scheme())
	out = binary.BigEndian.AppendUint16(out, uint16(len(key.Wrapped)))
	out = append(out, key.Wrapped...)
	bound := additional(out, of)
	var nonce [nonceBytes]byte
	if _, err := io.ReadFull(b.random, nonce[:]); err != nil {
		return nil, fmt.Errorf("envelope: nonce: %w", err)
	}
	out = append(out, nonce[:]...)
	return gcm.Seal(out, nonce[:], plaintext, bound), nil
}

func (b *Box) open(ctx context.Context, of Context, sealed []byte) ([]byte, error) {
	if len(sealed) < headerBytes || sealed[0] != version || sealed[1] != b.keys.Scheme() {
		return nil, ErrOpen
	}
	wrapped := int(binary.BigEndian.Uint16(sealed[2:]))
	start := headerBytes + wrapped
	if wrapped > MaxWrapped || len(sealed) < start+nonceBytes+tagBytes || len(sealed) > start+nonceBytes+MaxPlaintext+tagBytes {
		return nil, ErrOpen
	}
	key, err := b.keys.Unwrap(ctx, of, sealed[headerBytes:start])
	if err != nil {
		return nil, err
	}
	gcm, err := aead(key)
	if err != nil {
		return nil, err
	}
	plaintext, err := gcm.Open(nil, sealed[start:start+nonceBytes], sealed[start+nonceBytes:], additional(sealed[:start], of))
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}

// additional is what a ciphertext is bound to: its header and its context.
func additional(header []byte, of Context) []byte {
	bound := make([]byte, 0, len(header)+160)
	return append(append(bound, header...), of.Bytes()...)
}

func aead(key []byte) (cipher.AEAD, error) {
	if len(key) != KeyBytes {
		return nil, fmt.Errorf("%w: a data key of %d bytes", ErrUnavailable, len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("envelope: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("envelope: %w", err)
	}
	return gcm, nil
}
