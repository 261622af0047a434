package identity

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"

	"github.com/nowgo/agents/internal/system"
)

// maxKeys is the size limit of a key document in bytes (that of a secret in Secrets Manager).
const maxKeys = 64 << 10

// ErrKeys is returned for a key document that cannot be used.
var ErrKeys = errors.New("identity: not a JWK set with an Ed25519 private key")

// KeySet is the platform's signing keys: the current private key, and the public keys of all tokens still to be accepted. A key's id
// is its RFC 7638 thumbprint (SHA-256).
type KeySet struct {
	current jwk.Key            // private, with kid and alg
	public  map[string]jwk.Key // by kid
	jwks    []byte
}

// GenerateKeys returns a new key document: a JWK set (RFC 7517 §5) with one Ed25519 private key (RFC 8037 §2). It is a secret.
func GenerateKeys(sys system.System) ([]byte, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(sys.Random, seed); err != nil {
		return nil, fmt.Errorf("identity: key: %w", err)
	}
	key, err := jwk.Import(ed25519.NewKeyFromSeed(seed))
	if err != nil {
		return nil, fmt.Errorf("identity: key: %w", err)
	}
	if err := describe(key); err != nil {
		return nil, err
	}
	set := jwk.NewSet()
	if err := set.AddKey(key); err != nil {
		return nil, fmt.Errorf("identity: key: %w", err)
	}
	document, err := json.Marshal(set)
	if err != nil {
		return nil, fmt.Errorf("identity: key: %w", err)
	}
	return document, nil
}

// describe sets what a key says of itself: its id, its algorithm, its use.
func describe(key jwk.Key) error {
	if err := jwk.AssignKeyID(key, jwk.WithForceAssign(true)); err != nil {
		return fmt.Errorf("identity: key: %w", err)
	}
	if err := errors.Join(key.Set(jwk.AlgorithmKey, jwa.EdDSA()), key.Set(jwk.KeyUsageKey, jwk.ForSignature)); err != nil {
		return fmt.Errorf("identity: key: %w", err)
	}
	return nil
}

// ParseKeys reads a key document as [GenerateKeys] makes it, from a file or Secrets Manager. The first private key signs; the others,
// private or public, only verify, which is how keys are rotated. It returns [ErrKeys] for anything else, and never
// quotes the document.
func ParseKeys(document []byte) (*KeySet, error) {
	if len(document) > maxKeys {
		return nil, ErrKeys
	}
	set, err := jwk.Parse(document)
	if err != nil || set.Len() == 0 {
		return nil, ErrKeys
	}
	ks := &KeySet{public: make(map[string]jwk.Key)}
	published := jwk.NewSet()
	for i := range set.Len() {
		key, ok := set.Key(i)
		if !ok {
			return nil, ErrKeys
		}
		public, private, err := ed25519Key(key)
		if err != nil {
			return nil, ErrKeys
		}
		kid, _ := public.KeyID()
		if _, twice := ks.public[kid]; twice {
			return nil, fmt.Errorf("%w: a key stands in it twice", ErrKeys)
		}
		ks.public[kid] = public
		if err := published.AddKey(public); err != nil {
			return nil, ErrKeys
		}
		if ks.current == nil && private != nil {
			ks.current = private
		}
	}
	if ks.current == nil {
		return nil, ErrKeys
	}
	if ks.jwks, err = json.Marshal(published); err != nil {
		return nil, fmt.Errorf("identity: keys: %w", err)
	}
	return ks, nil
}

// ed25519Key returns the public and, where there is one, the private form of an Ed25519 key.
func ed25519Key(key jwk.Key) (public, private jwk.Key, err error) {
	switch k := key.(type) {
	case jwk.OKPPrivateKey:
		var raw ed25519.PrivateKey
		if err := jwk.Export(k, &raw); err != nil {
			return nil, nil, err
		}
		if err := describe(k); err != nil {
			return nil, nil, err
		}
		private = k
	case jwk.OKPPublicKey:
		var raw ed25519.PublicKey
		if err := jwk.Export(k, &raw); err != nil {
			return nil, nil, err
		}
	default:
		return nil, nil, ErrKeys
	}
	if public, err = jwk.PublicKeyOf(key); err != nil {
		return nil, nil, err
	}
	return public, private, describe(public)
}

// JWKS returns the public keys as a JWK set, for whoever verifies access tokens. The caller must not change it.
func (k *KeySet) JWKS() []byte { return k.jwks }
