package idempotency

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// The states of a record.
const (
	stateRunning = "running" // an effect was committed, the answer is not known yet
	stateDone    = "done"
)

// record is what the item holds.
type record struct {
	State       string    `json:"state"`
	Fingerprint []byte    `json:"fingerprint"` // keyed: it tells nothing of the content
	Until       time.Time `json:"until"`       // end of the lease of a running one
	Sealed      []byte    `json:"sealed"`
}

// sealed is the encrypted part of a record.
type sealed struct {
	Note  string `json:"note,omitempty"`
	Reply *Reply `json:"reply,omitempty"`
}

// seal encrypts with keys that only the holder of both the platform's secret and the idempotency key can derive.
type seal struct {
	aead cipher.AEAD
	mac  []byte
}

// newSeal derives the keys (HKDF, RFC 5869, with the idempotency key as the salt).
func newSeal(secret []byte, key string) (*seal, error) {
	k, err := hkdf.Key(sha256.New, secret, []byte(key), "nowgo idempotency answer v1", 64)
	if err != nil {
		return nil, fmt.Errorf("idempotency: derive: %w", err)
	}
	block, err := aes.NewCipher(k[:32])
	if err != nil {
		return nil, fmt.Errorf("idempotency: cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("idempotency: cipher: %w", err)
	}
	return &seal{aead: aead, mac: k[32:]}, nil
}

func (s *seal) fingerprint(content []byte) []byte {
	h := hmac.New(sha256.New, s.mac)
	h.Write(content)
	return h.Sum(nil)
}

// close encrypts v for the record with key sk.
func (s *seal) close(random io.Reader, sk string, v sealed) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("idempotency: encode: %w", err)
	}
	nonce := make([]byte, s.aead.NonceSize(), s.aead.NonceSize()+len(plain)+s.aead.Overhead())
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, fmt.Errorf("idempotency: random: %w", err)
	}
	return s.aead.Seal(nonce, nonce, plain, []byte(sk)), nil
}

var errBroken = errors.New("idempotency: a record cannot be opened")

func (s *seal) open(sk string, box []byte) (sealed, error) {
	var v sealed
	n := s.aead.NonceSize()
	if len(box) < n {
		return v, errBroken
	}
	plain, err := s.aead.Open(nil, box[:n], box[n:], []byte(sk))
	if err != nil {
		return v, errBroken
	}
	if err := json.Unmarshal(plain, &v); err != nil {
		return v, fmt.Errorf("idempotency: decode: %w", err)
	}
	return v, nil
}
