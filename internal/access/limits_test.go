package access_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

// unlike returns principals that are limited in some way, each otherwise as powerful as can be.
func unlike() map[string]tenant.Principal {
	admin := tenant.Principal{Client: "cli_a", User: "usr_1", Role: tenant.ClientAdmin, Session: "ses_1"}
	restricted, assumed, key, within := admin, admin, admin, admin
	restricted.Restricted = true
	assumed.Assumed = true
	key.User, key.Session, key.Scopes = "key_1", "", tenant.NamesOf("get-agent")
	within.Role, within.Within = tenant.AgentManager, tenant.NamesOf("agt_1")
	bare := key
	bare.Scopes = ""
	root := tenant.Principal{User: "usr_0", Role: tenant.GlobalAdmin, Restricted: true}
	return map[string]tenant.Principal{"restricted": restricted, "assumed": assumed, "key": key, "key without scopes": bare,
		"limited": within, "restricted global": root}
}

// Whoever comes with a credential may do at least what nobody may: signing in with an old header must not fail.
func TestPublicOperationsTakeEveryCredential(t *testing.T) {
	d := newDecider(t)
	for name, p := range unlike() {
		for _, op := range route.Operations() {
			if op.Public && !d.Decide(p, op.ID, access.Resource{Client: p.Client}).Allow {
				t.Errorf("%s may not %s", name, op.ID)
			}
		}
	}
}

func TestARestrictedSessionEnrolsOrLeaves(t *testing.T) {
	d := newDecider(t)
	may := map[string]bool{"get-me": true, "sign-out": true, "get-mfa": true, "enrol-totp": true, "confirm-totp": true}
	for _, role := range tenant.Roles() {
		p := tenant.Principal{Client: "cli_a", User: "usr_1", Role: role, Restricted: true}
		if role == tenant.GlobalAdmin {
			p.Client = ""
		}
		for _, op := range route.Operations() {
			if got := d.Decide(p, op.ID, access.Resource{Client: p.Client}).Allow; got != (may[op.ID] || op.Public) {
				t.Errorf("%s: %s: %v", role, op.ID, got)
			}
		}
	}
}

func TestAKeyDoesWhatItsScopesName(t *testing.T) {
	d := newDecider(t)
	for name, scopes := range map[string]tenant.Names{"one": "get-agent", "none": "", "two": tenant.NamesOf("get-agent", "list-agents")} {
		p := tenant.Principal{Client: "cli_a", User: "key_1", Role: tenant.ClientAdmin, Scopes: scopes}
		for _, op := range route.Operations() {
			if got := d.Decide(p, op.ID, access.Resource{Client: p.Client}).Allow; got != (scopes.Has(op.ID) || op.Public) {
				t.Errorf("%s: %s: %v", name, op.ID, got)
			}
		}
	}
}

// minting are the operations whose names say that they are about what somebody could sign in with, or about who somebody is.
var minting = regexp.MustCompile(`user|session|password|mfa|totp|recovery|api-key|assume|switch|invit|administrator|sign-`)

func TestAKeyMakesNoCredentials(t *testing.T) {
	d := newDecider(t)
	reads := regexp.MustCompile(`^(get|list)-(users?|api-keys?)$`)
	for _, op := range route.Operations() {
		p := tenant.Principal{Client: "cli_a", User: "key_1", Role: tenant.ClientAdmin, Scopes: tenant.NamesOf(op.ID)}
		if op.Public || !minting.MatchString(op.ID) || reads.MatchString(op.ID) {
			continue
		}
		if got := d.Decide(p, op.ID, access.Resource{Client: p.Client}); got.Allow {
			t.Errorf("a key may %s, by %v: name it in policies/keys.cedar", op.ID, got.Policies)
		}
	}
}

func TestALimitedManagerReachesWhatIsNamed(t *testing.T) {
	d := newDecider(t)
	p := tenant.Principal{Client: "cli_a", User: "usr_1", Role: tenant.AgentManager, Within: tenant.NamesOf("agt_1", "pro_1")}
	agent := func(id, profile string) access.Resource {
		return access.Resource{Type: "Agent", ID: id, Client: "cli_a", Profile: profile}
	}
	talk := func(id, profile, owner string) access.Resource {
		return access.Resource{Type: "Conversation", Client: "cli_a", Agent: id, Profile: profile, Owner: owner}
	}
	const allow, deny = true, false
	for _, c := range []struct {
		operation string
		r         access.Resource
		want      bool
	}{
		{"list-agents", access.Resource{Client: "cli_a"}, allow},
		{"create-profile", access.Resource{Client: "cli_a"}, deny},
		{"get-agent", agent("agt_1", "pro_2"), allow},
		{"get-agent", agent("agt_2", "pro_1"), allow},
		{"get-agent", agent("agt_2", "pro_2"), deny},
		{"get-agent", agent("agt_2", ""), deny},
		{"publish-agent", agent("agt_1", ""), allow},
		{"get-profile", access.Resource{Type: "Profile", ID: "pro_1", Client: "cli_a"}, allow},
		{"generate-agent", access.Resource{Type: "Profile", ID: "pro_2", Client: "cli_a"}, deny},
		{"get-conversation", talk("agt_1", "pro_2", "usr_2"), allow},
		{"get-conversation", talk("agt_2", "pro_1", "usr_2"), allow},
		{"get-conversation", talk("agt_2", "pro_2", "usr_2"), deny},
		{"get-conversation", talk("agt_2", "pro_2", "usr_1"), deny}, // their own, from before they were limited
		{"send-message", talk("agt_1", "pro_2", "usr_1"), allow},
		{"send-message", talk("agt_1", "pro_2", "usr_2"), deny},
		{"get-agent", access.Resource{Type: "Agent", ID: "agt_1", Client: "cli_b", Profile: "pro_1"}, deny},
	} {
		t.Run(fmt.Sprintf("%s %+v", c.operation, c.r), func(t *testing.T) {
			if got := d.Decide(p, c.operation, c.r); got.Allow != c.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}
