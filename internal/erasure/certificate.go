package erasure

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/jose"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
)

// Certificate says what was removed of a client, and where copies may still be.
type Certificate struct {
	Type     string           `json:"type"` // nowgo.erasure-certificate
	Version  int              `json:"version"`
	ClientID tenant.ID        `json:"client_id"`
	AskedAt  time.Time        `json:"asked_at"`
	EraseAt  time.Time        `json:"erase_at"` // the end of the grace period
	Started  time.Time        `json:"started_at"`
	ErasedAt time.Time        `json:"erased_at"`
	Removed  []events.Removed `json:"removed"`
	Kept     []string         `json:"kept"`
	Backups  Backups          `json:"backups"`
}

// Backups is the window in which copies that the deployment makes by itself still hold what was removed.
type Backups struct {
	Days  int        `json:"days"`            // 0: the deployment makes none; copies of the operator's own are not known to it
	Until *time.Time `json:"until,omitempty"` // when the last of them is gone
}

// typeCertificate is the JWS's typ: no access token has it, so that neither is taken for the other.
const typeCertificate = "nowgo-erasure-certificate"

func (w *Worker) certificate(u directory.Due, at time.Time) Certificate {
	c := Certificate{Type: "nowgo.erasure-certificate", Version: 1, ClientID: u.Client, AskedAt: u.AskedAt, EraseAt: u.At, Started: u.StartedAt,
		ErasedAt: at, Removed: list(u.Removed), Kept: []string{"the client's id, so that it is never given again", "this certificate",
			"entries of the platform's own trail that name its id and slug, or an attempt upon a login with its email and network address"}}
	if w.Backups > 0 {
		until := at.Add(w.Backups)
		c.Backups = Backups{Days: int(w.Backups / (24 * time.Hour)), Until: &until}
	}
	return c
}

// Signer signs certificates with an Ed25519 key of its own, which lasts as long as the platform's secret: a certificate outlives every
// key of access tokens.
type Signer struct {
	private ed25519.PrivateKey
	jwks    []byte
}

// NewSigner derives the key from the platform's secret with HKDF (RFC 5869).
func NewSigner(secret []byte) (*Signer, error) {
	seed, err := hkdf.Key(sha256.New, secret, nil, "nowgo certificate key 1", ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("erasure: key: %w", err)
	}
	s := &Signer{private: ed25519.NewKeyFromSeed(seed)}
	public, _ := s.private.Public().(ed25519.PublicKey)
	if s.jwks, err = jose.Set(public); err != nil {
		return nil, fmt.Errorf("erasure: key: %w", err)
	}
	return s, nil
}

// JWKS returns the public key as a JWK set (RFC 7517 §5).
func (s *Signer) JWKS() []byte { return s.jwks }

// certify returns the certificate as a JWS in compact form (RFC 7515 §7.1).
func (s *Signer) certify(c Certificate) (string, error) {
	payload, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("erasure: certificate: %w", err)
	}
	signed, err := jose.Sign(s.private, typeCertificate, payload)
	if err != nil {
		return "", fmt.Errorf("erasure: certificate: %w", err)
	}
	return signed, nil
}
