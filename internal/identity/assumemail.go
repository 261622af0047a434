package identity

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/mail/mailtext"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

const (
	announceTime   = 10 * time.Second // for all mails together
	announceAtOnce = 8
	announceMost   = 200 // administrators
)

// announce tells the client's administrators by mail that the session was assumed, and records how that went. It does nothing where no
// mail is configured: the event of the session is in their trail. It fails nobody: the session is there already.
func (s *Service) announce(ctx context.Context, p tenant.Principal, in Assume, out Assumed) {
	if s.Mailer == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), announceTime)
	defer cancel()
	told, failed, err := s.mailAssumed(ctx, p, in, out)
	e, eventErr := s.event(ctx, in.Client, audit.Fact{Type: events.TypeSessionAnnounced, Target: audit.Target{Type: "session", ID: out.Session},
		Result: announced(failed, err), Change: events.SessionAnnounced{SessionID: out.Session, Told: told, Failed: failed}})
	if eventErr == nil {
		eventErr = s.Table.Commit(context.WithoutCancel(ctx), in.Client, audit.Of(e))
	}
	if err = errors.Join(err, eventErr); err != nil && s.Log != nil {
		s.Log.ErrorContext(ctx, "an assumed session was not announced to everybody", "client_id", in.Client, "session_id", out.Session,
			"failed", failed, "error", err)
	}
}

func announced(failed int, err error) string {
	if failed > 0 || err != nil {
		return "failure"
	}
	return "success"
}

// mailAssumed sends the mails. The error joins what kept it from sending any of them.
func (s *Service) mailAssumed(ctx context.Context, p tenant.Principal, in Assume, out Assumed) (told, failed int, err error) {
	admins, err := s.administrators(ctx, in.Client)
	if err != nil {
		return 0, 0, err
	}
	about := mailtext.Assumed{Reason: in.Reason, Until: out.ExpiresAt}
	language := ""
	if s.ClientName != nil {
		if about.Client, language, err = s.ClientName(ctx, in.Client); err != nil {
			return 0, len(admins), err
		}
	}
	root, err := s.user(ctx, directory.Home(p.User), p.User)
	if err != nil {
		return 0, len(admins), err
	}
	about.Administrator = root.Name
	var mu sync.Mutex
	var all []error
	var g errgroup.Group
	g.SetLimit(announceAtOnce)
	for _, u := range admins {
		g.Go(func() error {
			sent := s.Mailer.Send(ctx, mailtext.AssumedSession(mailtext.To{Email: u.Email, Name: u.Name, Language: language}, about))
			mu.Lock()
			defer mu.Unlock()
			if sent != nil {
				failed++
				all = append(all, sent)
				return nil
			}
			told++
			return nil
		})
	}
	all = append(all, g.Wait())
	return told, failed, errors.Join(all...)
}

// administrators returns the client's active administrators, at most [announceMost].
func (s *Service) administrators(ctx context.Context, client tenant.ID) ([]User, error) {
	var out []User
	q := store.Query{Index: store.ByParent, Prefix: keys.RoleUsers(string(tenant.ClientAdmin)), Limit: announceMost}
	for {
		page, err := s.Table.Query(ctx, client, q)
		if err != nil {
			return nil, err
		}
		for _, it := range page.Items {
			u, err := userOf(it)
			if err != nil {
				return nil, err
			}
			if u.Status == StatusActive && len(out) < announceMost {
				out = append(out, u)
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" || len(out) == announceMost {
			return out, nil
		}
	}
}
