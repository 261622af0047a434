package identity

import (
	"context"
	"strings"
	"time"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

// Lifetimes.
const (
	AccessLifetime     = 15 * time.Minute    // of an access token
	SessionLifetime    = 30 * 24 * time.Hour // of a session, from sign-in; refreshing does not prolong it
	InvitationLifetime = 7 * 24 * time.Hour  // of an invitation
)

// Limits of what people type.
const (
	MaxName     = 120 // characters
	MinPassword = 12  // characters, after NFC normalization
	MaxPassword = 128 // characters, after NFC normalization
)

// capability is who publishes this package's events.
const capability = "authentication"

// Clients says whether a client's people are let in.
type Clients interface {
	// Status returns the client's status, `active` or `suspended`, read consistently. An unknown client is a fault.NotFound.
	Status(ctx context.Context, client tenant.ID) (string, error)
}

// Deps is what a [Service] works with. Mailer may be nil: invitations then return their token.
type Deps struct {
	Table     store.Table
	Directory *directory.Directory
	Clients   Clients
	System    system.System
	Signer    *Signer
	Mailer    mail.Sender
	PublicURL string // where people reach the platform, without a slash at the end
	Hasher    Hasher // nil: [NewArgon2] with [Recommended]
}

// Service signs people in and keeps users. It may be used concurrently.
type Service struct {
	Deps
}

// New returns the service.
func New(d Deps) *Service {
	d.PublicURL = strings.TrimRight(d.PublicURL, "/")
	if d.Hasher == nil {
		d.Hasher = NewArgon2(Recommended(), d.System)
	}
	return &Service{Deps: d}
}

// clientActive returns a fault unless the client lets people in: Forbidden where it is suspended, Unauthenticated where it is gone.
func (s *Service) clientActive(ctx context.Context, op string, client tenant.ID) error {
	status, err := s.Clients.Status(ctx, client)
	switch {
	case fault.Is(err, fault.NotFound):
		return badCredentials(op)
	case err != nil:
		return err
	case status != "active":
		return fault.New(op, fault.Forbidden, "client_suspended")
	}
	return nil
}

func badCredentials(op string) error {
	return fault.New(op, fault.Unauthenticated, "invalid_credentials")
}

// event completes a fact of this package into an event of the trail of partition.
func (s *Service) event(ctx context.Context, partition tenant.ID, f audit.Fact) (audit.Event, error) {
	f.Capability = capability
	return audit.Happened(ctx, s.System, partition, f)
}

// now is the current time to the microsecond, the precision that keys have.
func (s *Service) now() time.Time { return s.System.Now().UTC().Truncate(time.Microsecond) }
