package identity

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/nowgo/agents/internal/jose"
	"github.com/nowgo/agents/internal/system"
)

// maxKeys is the size limit of a key document in bytes (that of a secret in Secrets Manager).
const maxKeys = 64 << 10

// keysVersion is the version of key documents that say when each key begins to sign. Those without a version are older: their
// first private key signs, and all others only verify.
const keysVersion = 2

// ErrKeys is returned for a key document that cannot be used.
var ErrKeys = errors.New("identity: not a JWK set with an Ed25519 private key")

// keyDocument is a JWK set (RFC 7517 §5) with members of our own beside the standard's, which the standard allows.
type keyDocument struct {
	Version int         `json:"nowgo_version,omitempty"`
	Keys    []keyMember `json:"keys"`
}

// keyMember is an Ed25519 key as RFC 8037 §2 writes it.
type keyMember struct {
	jose.PublicKey
	D       string `json:"d,omitempty"`
	SignsAt int64  `json:"nowgo_signs_at,omitempty"` // seconds since 1970; 0: always has
}

// signingKey is one key of a set.
type signingKey struct {
	id      string // RFC 7638 thumbprint, SHA-256
	public  ed25519.PublicKey
	private ed25519.PrivateKey // nil: it only verifies
	signsAt time.Time          // when it begins to sign
	retires time.Time          // when every token it signed is dead; zero: no other has followed it
	header  string             // the first part of each token it signs
}

// KeySet is the platform's signing keys: the private one in use, those that follow it, and the public keys of all tokens still to be
// accepted. A key's id is its RFC 7638 thumbprint (SHA-256). It does not change; the zero set knows no key.
type KeySet struct {
	keys     []signingKey // in the order in which they begin to sign
	byHeader map[string]*signingKey
	jwks     []byte
}

// GenerateKeys returns a new key document: a JWK set (RFC 7517 §5) with one Ed25519 private key (RFC 8037 §2), which signs from now
// on. It is a secret.
func GenerateKeys(sys system.System) ([]byte, error) {
	k, err := newSigningKey(sys.Random, sys.Now())
	if err != nil {
		return nil, err
	}
	return encodeKeys([]signingKey{k})
}

// DeriveKeys returns the key document whose one key is derived (HKDF, RFC 5869) from a secret text of 32 bytes or more: the same from the
// same text, so that processes agree on an environment's first key before anything has written it down.
func DeriveKeys(secret []byte) ([]byte, error) {
	if len(secret) < 32 {
		return nil, fmt.Errorf("identity: the text that keys are derived from has %d bytes, not 32", len(secret))
	}
	seed, err := hkdf.Key(sha256.New, secret, nil, "nowgo signing key 1", ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("identity: key: %w", err)
	}
	return encodeKeys([]signingKey{keyOf(ed25519.NewKeyFromSeed(seed), time.Time{})})
}

// KeyDocument returns the key document that a secret's value is, or the one derived from it where it is a text that nothing but its
// length was asked of: such a text, which Secrets Manager makes without punctuation, does not begin as JSON.
func KeyDocument(secret []byte) ([]byte, error) {
	if len(secret) > 0 && secret[0] == '{' {
		return secret, nil
	}
	return DeriveKeys(secret)
}

func newSigningKey(random io.Reader, signsAt time.Time) (signingKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return signingKey{}, fmt.Errorf("identity: key: %w", err)
	}
	return keyOf(ed25519.NewKeyFromSeed(seed), signsAt), nil
}

func keyOf(private ed25519.PrivateKey, signsAt time.Time) signingKey {
	public, _ := private.Public().(ed25519.PublicKey)
	id := jose.Thumbprint(public)
	return signingKey{id: id, public: public, private: private, signsAt: signsAt, header: tokenHeader(id)}
}

// member is the key as a document has it, with its private part or without.
func (k signingKey) member(private bool) keyMember {
	m := keyMember{PublicKey: jose.Public(k.public)}
	if private {
		if k.private != nil {
			m.D = base64.RawURLEncoding.EncodeToString(k.private.Seed())
		}
		if !k.signsAt.IsZero() {
			m.SignsAt = k.signsAt.Unix()
		}
	}
	return m
}

func encodeKeys(keys []signingKey) ([]byte, error) {
	d := keyDocument{Version: keysVersion}
	for _, k := range keys {
		d.Keys = append(d.Keys, k.member(true))
	}
	document, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("identity: keys: %w", err)
	}
	return document, nil
}

// ParseKeys reads a key document as [GenerateKeys] and [RotateKeys] make it, from a file or Secrets Manager. It returns [ErrKeys] for
// anything else, and never quotes the document.
func ParseKeys(document []byte) (*KeySet, error) {
	var d keyDocument
	if len(document) > maxKeys || jsonv2.Unmarshal(document, &d) != nil || d.Version != 0 && d.Version != keysVersion {
		return nil, ErrKeys
	}
	ks := &KeySet{byHeader: make(map[string]*signingKey, len(d.Keys))}
	signs := false // by now some key of the document can
	for _, m := range d.Keys {
		k, err := m.key()
		if err != nil {
			return nil, err
		}
		if d.Version == 0 && signs { // the first signs, whatever the others could do
			k.private = nil
		}
		signs = signs || k.private != nil
		ks.keys = append(ks.keys, k)
	}
	if !signs {
		return nil, ErrKeys
	}
	slices.SortStableFunc(ks.keys, func(a, b signingKey) int { return a.signsAt.Compare(b.signsAt) })
	last := ks.keys[len(ks.keys)-1].signsAt
	if !slices.ContainsFunc(ks.keys, func(k signingKey) bool { return k.private != nil && k.signsAt.Equal(last) }) {
		return nil, fmt.Errorf("%w: the last key cannot sign", ErrKeys)
	}
	return ks, ks.index()
}

func (m keyMember) key() (signingKey, error) {
	x, err := base64.RawURLEncoding.Strict().DecodeString(m.X)
	if err != nil || len(x) != ed25519.PublicKeySize || m.Type != "OKP" || m.Curve != "Ed25519" ||
		m.Algorithm != "" && m.Algorithm != tokenAlgorithm || m.Use != "" && m.Use != "sig" || m.SignsAt < 0 {
		return signingKey{}, ErrKeys
	}
	k := signingKey{public: x, id: jose.Thumbprint(x)}
	k.header = tokenHeader(k.id)
	if m.SignsAt > 0 {
		k.signsAt = time.Unix(m.SignsAt, 0).UTC()
	}
	if m.D == "" {
		return k, nil
	}
	seed, err := base64.RawURLEncoding.Strict().DecodeString(m.D)
	if err != nil || len(seed) != ed25519.SeedSize {
		return signingKey{}, ErrKeys
	}
	if k.private = ed25519.NewKeyFromSeed(seed); !k.public.Equal(k.private.Public()) {
		return signingKey{}, ErrKeys
	}
	return k, nil
}

// index completes a set whose keys are in order.
func (k *KeySet) index() error {
	public := keyDocument{Keys: []keyMember{}}
	for i := range k.keys {
		key := &k.keys[i]
		if _, twice := k.byHeader[key.header]; twice {
			return fmt.Errorf("%w: a key stands in it twice", ErrKeys)
		}
		k.byHeader[key.header] = key
		for _, next := range k.keys[i+1:] {
			if next.signsAt.After(key.signsAt) {
				key.retires = next.signsAt.Add(KeyOverlap)
				break
			}
		}
		public.Keys = append(public.Keys, key.member(false))
	}
	var err error
	if k.jwks, err = json.Marshal(public); err != nil {
		return fmt.Errorf("identity: keys: %w", err)
	}
	return nil
}

// signer returns the key that signs at the time: of the private ones that have begun, the last; before all, the first. It is nil in
// an empty set.
func (k *KeySet) signer(now time.Time) *signingKey {
	var signs *signingKey
	for i := range k.keys {
		if key := &k.keys[i]; key.private != nil && (signs == nil || !now.Before(key.signsAt) && key.signsAt.After(signs.signsAt)) {
			signs = key
		}
	}
	return signs
}

// IDs returns the ids of all keys, in the order in which they begin to sign.
func (k *KeySet) IDs() []string {
	ids := make([]string, len(k.keys))
	for i := range k.keys {
		ids[i] = k.keys[i].id
	}
	return ids
}

// JWKS returns the public keys as a JWK set, for whoever verifies access tokens. The caller must not change it.
func (k *KeySet) JWKS() []byte { return k.jwks }

// held and renewed make a set a [Keys] that never changes.
func (k *KeySet) held(time.Time) *KeySet { return k }

func (k *KeySet) renewed(time.Time) *KeySet { return k }
