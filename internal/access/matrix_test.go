package access_test

import (
	"testing"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

const (
	no  = access.No
	own = access.Own
	yes = access.Yes
)

// matrix is who may do what, written out in full: the policies are held against it, not it derived from them.
var matrix = []struct {
	operation                                   string
	global, admin, manager, standard, anonymous access.Grant
}{
	{"sign-in", yes, yes, yes, yes, yes},
	{"refresh", yes, yes, yes, yes, yes},
	{"sign-out", yes, yes, yes, yes, no},
	{"get-me", yes, yes, yes, yes, no},
	{"switch-client", yes, yes, yes, yes, no},
	{"list-own-sessions", yes, yes, yes, yes, no},
	{"end-own-session", yes, yes, yes, yes, no},
	{"accept-invitation", yes, yes, yes, yes, yes},
	{"assume-client", yes, no, no, no, no},
	{"get-mfa", yes, yes, yes, yes, no},
	{"enrol-totp", yes, yes, yes, yes, no},
	{"confirm-totp", yes, yes, yes, yes, no},
	{"remove-totp", yes, yes, yes, yes, no},
	{"renew-recovery-codes", yes, yes, yes, yes, no},
	{"forgot-password", yes, yes, yes, yes, yes},
	{"reset-password", yes, yes, yes, yes, yes},
	{"change-password", yes, yes, yes, yes, no},
	{"get-jwks", yes, yes, yes, yes, yes},

	{"create-client", yes, no, no, no, no},
	{"list-clients", yes, no, no, no, no},
	{"get-client", yes, no, no, no, no},
	{"update-client", yes, no, no, no, no},
	{"suspend-client", yes, no, no, no, no},
	{"resume-client", yes, no, no, no, no},
	{"offboard-client", yes, no, no, no, no},
	{"restore-client", yes, no, no, no, no},
	{"get-erasure-certificate", yes, no, no, no, no},
	{"get-certificate-keys", yes, yes, yes, yes, yes},
	{"invite-administrator", yes, no, no, no, no},
	{"get-own-client", no, yes, yes, yes, no},
	{"update-own-client", no, yes, no, no, no},
	{"get-settings", no, yes, yes, no, no},
	{"put-settings", no, yes, no, no, no},
	{"get-usage", no, yes, yes, no, no},
	{"create-user", no, yes, no, no, no},
	{"list-users", no, yes, no, no, no},
	{"get-user", no, yes, no, no, no},
	{"update-user", no, yes, no, no, no},
	{"remove-user", no, yes, no, no, no},
	{"resend-invitation", no, yes, no, no, no},
	{"revoke-invitation", no, yes, no, no, no},
	{"list-user-sessions", no, yes, no, no, no},
	{"end-user-session", no, yes, no, no, no},
	{"end-user-sessions", no, yes, no, no, no},
	{"create-api-key", no, yes, no, no, no},
	{"list-api-keys", no, yes, no, no, no},
	{"get-api-key", no, yes, no, no, no},
	{"rotate-api-key", no, yes, no, no, no},
	{"revoke-api-key", no, yes, no, no, no},
	{"explain-access", no, yes, no, no, no},

	{"list-templates", yes, yes, yes, no, no},
	{"get-template", yes, yes, yes, no, no},
	{"create-profile", no, yes, yes, no, no},
	{"list-profiles", no, yes, yes, no, no},
	{"get-profile", no, yes, yes, no, no},
	{"update-profile", no, yes, yes, no, no},
	{"delete-profile", no, yes, yes, no, no},

	{"generate-agent", no, yes, yes, no, no},
	{"list-agents", no, yes, yes, yes, no},
	{"get-agent", no, yes, yes, yes, no},
	{"update-agent", no, yes, yes, no, no},
	{"delete-agent", no, yes, yes, no, no},
	{"list-configurations", no, yes, yes, no, no},
	{"get-configuration", no, yes, yes, no, no},
	{"put-draft", no, yes, yes, no, no},
	{"publish-agent", no, yes, yes, no, no},
	{"rollback-agent", no, yes, yes, no, no},
	{"add-document", no, yes, yes, no, no},
	{"list-documents", no, yes, yes, no, no},
	{"get-document", no, yes, yes, no, no},
	{"delete-document", no, yes, yes, no, no},
	{"search-passages", no, yes, yes, no, no},

	{"start-conversation", no, yes, yes, yes, no},
	{"list-conversations", no, yes, yes, own, no},
	{"get-conversation", no, yes, yes, own, no},
	{"send-message", no, own, own, own, no},
	{"list-messages", no, yes, yes, own, no},
	{"close-conversation", no, yes, yes, own, no},

	{"list-audit-events", yes, yes, no, no, no},
	{"get-audit-event", yes, yes, no, no, no},

	{"get-health", yes, yes, yes, yes, yes},
	{"get-readiness", yes, yes, yes, yes, yes},
	{"get-openapi", yes, yes, yes, yes, yes},
	{"get-docs", yes, yes, yes, yes, yes},
}

func TestMatrix(t *testing.T) {
	d := newDecider(t)
	if len(matrix) != len(route.Operations()) {
		t.Errorf("the matrix has %d rows, the platform %d operations", len(matrix), len(route.Operations()))
	}
	for i, op := range route.Operations() {
		if i >= len(matrix) || matrix[i].operation != op.ID {
			t.Fatalf("the matrix has no row %d for %s", i, op.ID)
		}
		row := matrix[i]
		for role, want := range map[tenant.Role]access.Grant{tenant.GlobalAdmin: row.global, tenant.ClientAdmin: row.admin,
			tenant.AgentManager: row.manager, tenant.StandardUser: row.standard, "": row.anonymous} {
			if got := d.GrantOf(role, op.ID); got != want {
				t.Errorf("%s × %q: %s, want %s", op.ID, role, got, want)
			}
		}
	}
}
