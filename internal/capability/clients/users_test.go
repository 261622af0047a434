package clients

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/client"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

// outbox keeps the subject of the mail that was sent last.
type outbox struct {
	subject string
	err     error
}

func (o *outbox) Send(_ context.Context, m mail.Message) error {
	if o.err == nil {
		o.subject = m.Subject
	}
	return o.err
}

// newHandlers returns the capability over the real services, with the mails that it sends.
func newHandlers(t *testing.T) (handlers, *outbox) {
	t.Helper()
	k, sent := testkit.New(t), &outbox{}
	dir := directory.New(k.Table)
	h := handlers{clients: &client.Service{Table: k.Table, Directory: dir, System: k.System}}
	h.users = identity.New(identity.Deps{Table: k.Table, Directory: dir, Clients: h.clients, System: k.System, Mailer: sent})
	h.clients.Invitations = h.users
	return h, sent
}

func onboardingOf(email string) client.Onboarding {
	return client.Onboarding{Name: "Loja Azul", Slug: "loja-azul", Languages: []string{"pt-BR", "en"},
		Administrator: identity.Contact{Email: email, Name: "Ana"}}
}

func TestInvitationsSpeakTheClientsDefaultLanguage(t *testing.T) {
	h, sent := newHandlers(t)
	made, err := h.clients.Create(testkit.As(t.Context(), "", "usr_root", tenant.GlobalAdmin, "create-client"), onboardingOf("ana@loja.example"))
	if err != nil || !strings.HasPrefix(sent.subject, "Convite") {
		t.Fatalf("%q, %v", sent.subject, err)
	}
	ctx := testkit.As(t.Context(), made.Client.ID, "usr_1", tenant.ClientAdmin, "create-user")
	if _, err := h.clients.PutSettings(ctx, made.Client.ID, 1, client.Settings{Languages: []string{"en"}, DefaultLanguage: "en",
		Channels: []string{"web"}, TimeZone: "Europe/Lisbon"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ email, language, subject string }{{"rui@loja.example", "", "Invitation"}, {"eva@loja.example", "pt-BR", "Convite"}} {
		var in invite
		in.Body.Email, in.Body.Name, in.Body.Role, in.Body.Language = c.email, "P", tenant.StandardUser, c.language
		if _, err := h.invite(ctx, &in); err != nil || !strings.HasPrefix(sent.subject, c.subject) {
			t.Errorf("language %q: %q, %v", c.language, sent.subject, err)
		}
	}
}

// Its client exists, and the mail went nowhere: without the platform's help nobody could ever get in.
func TestClientWhoseAdministratorsMailWasRefusedIsNotStuck(t *testing.T) {
	h, sent := newHandlers(t)
	root := testkit.As(t.Context(), "", "usr_root", tenant.GlobalAdmin, "create-client")
	sent.err = errors.New("mailbox on fire")
	_, err := h.clients.Create(root, onboardingOf("ana@loja.example"))
	if !fault.Is(err, fault.Unavailable) {
		t.Fatal(err)
	}
	listed, _, err := h.clients.Clients(root, 10, "")
	if err != nil || len(listed) != 1 {
		t.Fatalf("%+v, %v", listed, err)
	}
	in := &inviteAdministrator{ByID: ByID{listed[0].ID}}
	in.Body.Email, in.Body.Name = "ana@loja.example", "Ana"
	if _, err := h.inviteAdministrator(root, in); !fault.Is(err, fault.Unavailable) {
		t.Errorf("while the mail is refused: %v", err)
	}
	sent.err = nil
	out, err := h.inviteAdministrator(root, in)
	if err != nil || out.User.Role != tenant.ClientAdmin || !strings.HasPrefix(sent.subject, "Convite para admin") {
		t.Errorf("%+v, %v, mail %q", out, err, sent.subject)
	}
	page, err := h.users.ListUsers(root, listed[0].ID, identity.UserQuery{Limit: 10})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("%d users, %v, want the one", len(page.Items), err)
	}
}

func TestClientThatIsLeavingGetsNoAdministrator(t *testing.T) {
	h, _ := newHandlers(t)
	root := testkit.As(t.Context(), "", "usr_root", tenant.GlobalAdmin, "offboard-client")
	made, err := h.clients.Create(root, onboardingOf("ana@loja.example"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.clients.Offboard(root, made.Client.ID, 1, 30); err != nil {
		t.Fatal(err)
	}
	in := &inviteAdministrator{ByID: ByID{made.Client.ID}}
	in.Body.Email, in.Body.Name = "eva@loja.example", "Eva"
	var f *fault.Error
	if _, err := h.inviteAdministrator(root, in); !errors.As(err, &f) || f.Code != "client_leaving" {
		t.Errorf("%v", err)
	}
}
