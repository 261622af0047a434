// Package jose writes Ed25519 keys and signatures as the JOSE standards have them (RFC 7515, 7517, 7638 and 8037), with the standard
// library alone: a general library is a megabyte of every function. The tests compare each byte with such a library's.
package jose

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// Algorithm is the one that signs (RFC 8037 §3.1), with Ed25519 keys alone.
const Algorithm = "EdDSA"

// PublicKey is an Ed25519 public key as a JWK (RFC 8037 §2). Its id is its thumbprint.
type PublicKey struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv"`
	Algorithm string `json:"alg"`
	Use       string `json:"use"`
	ID        string `json:"kid"`
	X         string `json:"x"`
}

// Public returns the key as one that verifies signatures.
func Public(key ed25519.PublicKey) PublicKey {
	return PublicKey{Type: "OKP", Curve: "Ed25519", Algorithm: Algorithm, Use: "sig", ID: Thumbprint(key), X: encode(key)}
}

// Thumbprint is the key's SHA-256 thumbprint in base64url (RFC 7638 §3, RFC 8037 §2): 43 characters.
func Thumbprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + encode(key) + `"}`))
	return encode(sum[:])
}

// Set returns the keys as a JWK set (RFC 7517 §5).
func Set(keys ...ed25519.PublicKey) ([]byte, error) {
	set := struct {
		Keys []PublicKey `json:"keys"`
	}{Keys: make([]PublicKey, len(keys))}
	for i, k := range keys {
		set.Keys[i] = Public(k)
	}
	document, err := json.Marshal(set)
	if err != nil {
		return nil, fmt.Errorf("jose: JWK set: %w", err)
	}
	return document, nil
}

// Sign returns the payload as a JWS in compact form (RFC 7515 §7.1), whose header has the key's id and the given `typ`.
func Sign(key ed25519.PrivateKey, typ string, payload []byte) (string, error) {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return "", fmt.Errorf("jose: a %T is no Ed25519 key", key.Public())
	}
	header, err := json.Marshal(struct {
		Algorithm string `json:"alg"`
		Key       string `json:"kid"`
		Type      string `json:"typ"`
	}{Algorithm, Thumbprint(public), typ})
	if err != nil {
		return "", fmt.Errorf("jose: header: %w", err)
	}
	text := encode(header) + "." + encode(payload)
	return text + "." + encode(ed25519.Sign(key, []byte(text))), nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
