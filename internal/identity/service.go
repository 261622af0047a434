package identity

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/cache"
	"github.com/nowgo/agents/internal/envelope"
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
	// SecondFactorRoles returns the roles of which the client asks a second factor. An unknown client is a fault.NotFound.
	SecondFactorRoles(ctx context.Context, client tenant.ID) ([]tenant.Role, error)
}

// Deps is what a [Service] works with. Mailer may be nil: invitations then return their token.
type Deps struct {
	Table     store.Table
	Directory *directory.Directory
	Clients   Clients
	System    system.System
	Signer    *Signer
	Mailer    mail.Sender
	Envelope  envelope.Sealer // of second factors' secrets; nil: nobody can enrol or show one
	PublicURL string          // where people reach the platform, without a slash at the end
	Hasher    Hasher          // nil: [NewArgon2] with [Recommended]
	// Meter counts attempts to guess; nil: they are not slowed down. Wait returns after d or with ctx's error; nil: by the clock.
	Meter cache.Meter
	Wait  func(ctx context.Context, d time.Duration) error
	// Refused records credentials that prove nothing, bounded, for anybody can send any number of them; nil: nobody does.
	Refused func(ctx context.Context, err error)
	// KeyMay reports whether the policies let a role do an operation; nil: no API key can be made.
	KeyMay func(role tenant.Role, operation string) bool
	// ClientName returns how mails name a client, and its default language; nil: they name the platform.
	ClientName func(ctx context.Context, client tenant.ID) (name, language string, err error)
	Log        *slog.Logger // of what fails behind an answer; nil: nowhere
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
	if d.Meter == nil {
		d.Meter = silent{}
	}
	if d.Wait == nil {
		d.Wait = wait
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

// event completes a fact of this package into an event of the trail of a client or, where partition is not a client's, of the platform.
func (s *Service) event(ctx context.Context, partition tenant.ID, f audit.Fact) (audit.Event, error) {
	f.Capability = capability
	e, err := audit.Happened(ctx, s.System, partition, f)
	if err == nil && partition.Platform() {
		e = directory.PlatformEvent(e)
	}
	return e, err
}

// now is the current time to the microsecond, the precision that keys have.
func (s *Service) now() time.Time { return s.System.Now().UTC().Truncate(time.Microsecond) }
