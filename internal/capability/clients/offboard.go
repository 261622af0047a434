package clients

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/nowgo/agents/internal/client"
	"github.com/nowgo/agents/internal/erasure"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/tenant"
)

// Certificate is the proof of a client's erasure.
type Certificate struct {
	Certificate string    `json:"certificate" doc:"JWS in compact form (RFC 7515), signed with Ed25519; /.well-known/certificate-keys.json verifies it"`
	ClientID    tenant.ID `json:"client_id"`
	AskedAt     time.Time `json:"asked_at"`
	StartedAt   time.Time `json:"started_at"`
	ErasedAt    time.Time `json:"erased_at"`
	Removed     []Removed `json:"removed" nullable:"false"`
	Kept        []string  `json:"kept" nullable:"false"`
	Backups     Backups   `json:"backups"`
}

// Removed is how many of a kind were removed.
type Removed struct {
	Kind  string `json:"kind" example:"message" doc:"Rows by the beginning of their key, files, logins"`
	Count int    `json:"count" example:"120"`
}

// Backups is where copies may still be.
type Backups struct {
	Days  int        `json:"days" doc:"For which the deployment keeps copies by itself; 0: it makes none"`
	Until *time.Time `json:"until,omitempty" doc:"When the last of them is gone"`
}

// CertificateKeys is a JWK set (RFC 7517 §5) of Ed25519 keys (RFC 8037 §2).
type CertificateKeys struct {
	Keys []CertificateKey `json:"keys" nullable:"false"`
}

// CertificateKey is a public key that verifies certificates.
type CertificateKey struct {
	Type      string `json:"kty" example:"OKP"`
	Curve     string `json:"crv" example:"Ed25519"`
	Algorithm string `json:"alg" example:"EdDSA"`
	Use       string `json:"use" example:"sig"`
	ID        string `json:"kid" doc:"The kid in the header of the certificates it signed"`
	X         string `json:"x" doc:"The key, base64url without padding"`
}

type offboarding struct {
	ByID
	httpapi.Precondition
	GraceDays int `query:"grace_days" minimum:"0" maximum:"90" default:"30" doc:"Days in which the client can be taken back"`
}

func (h handlers) registerOffboarding(certificates *erasure.Signer) {
	httpapi.Register(h.api, httpapi.Op{ID: "offboard-client", Status: http.StatusAccepted, Errors: []int{404, 409, 412, 422, 428},
		Summary:     "End a client: its people are out, and after a grace period everything it has is erased",
		Description: "Until then `restore-client` takes it back. `get-erasure-certificate` has the signed proof afterwards."},
		func(ctx context.Context, in *offboarding) (client.Client, error) {
			seen, err := in.Seen()
			if err != nil {
				return client.Client{}, err
			}
			return h.clients.Offboard(ctx, in.ClientID, seen, in.GraceDays)
		}, func(c client.Client) httpapi.Out[Client] {
			out := shown(c)
			out.Status = http.StatusAccepted
			return out
		})
	httpapi.Register(h.api, httpapi.Op{ID: "restore-client", Summary: "Take back a client that is leaving", Errors: []int{404, 409, 412}},
		func(ctx context.Context, in *action) (client.Client, error) {
			seen, err := in.Seen()
			if err != nil {
				return client.Client{}, err
			}
			return h.clients.Restore(ctx, in.ClientID, seen)
		}, shown)
	httpapi.Register(h.api, httpapi.Op{ID: "get-erasure-certificate", Errors: []int{404},
		Summary: "The signed certificate of what was erased of a client"},
		func(ctx context.Context, in *ByID) (Certificate, error) {
			compact, err := h.clients.Certificate(ctx, in.ClientID)
			if err != nil {
				return Certificate{}, err
			}
			return certificateOf(compact)
		}, httpapi.Body[Certificate])
	httpapi.Register(h.api, httpapi.Op{ID: "get-certificate-keys", Summary: "The keys that verify erasure certificates (RFC 7517)"},
		func(context.Context, *struct{}) (set CertificateKeys, err error) {
			if err := json.Unmarshal(certificates.JWKS(), &set); err != nil {
				return CertificateKeys{}, fault.Wrap("clients.certificateKeys", fault.Internal, "internal", err)
			}
			return set, nil
		}, httpapi.Body[CertificateKeys])
}

// certificateOf shows what the platform itself signed, beside the signed form.
func certificateOf(compact string) (Certificate, error) {
	const op = "clients.certificateOf"
	parts := strings.Split(compact, ".")
	if len(parts) != 3 {
		return Certificate{}, fault.New(op, fault.Internal, "internal")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return Certificate{}, fault.Wrap(op, fault.Internal, "internal", err)
	}
	var c erasure.Certificate
	if err := json.Unmarshal(payload, &c); err != nil {
		return Certificate{}, fault.Wrap(op, fault.Internal, "internal", err)
	}
	out := Certificate{Certificate: compact, ClientID: c.ClientID, AskedAt: c.AskedAt, StartedAt: c.Started, ErasedAt: c.ErasedAt,
		Removed: []Removed{}, Kept: c.Kept, Backups: Backups(c.Backups)}
	for _, r := range c.Removed {
		out.Removed = append(out.Removed, Removed(r))
	}
	return out, nil
}
