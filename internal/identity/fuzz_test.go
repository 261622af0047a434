package identity

import (
	"slices"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/tenant"
)

func FuzzParseRefreshToken(f *testing.F) {
	whole := refreshToken{"cli_aaaaaaaaaaaaaaaaaaaaaaaaaa", "usr_a", "ses_a", "family", "secret"}
	f.Add(whole.String())
	whole.client = ""
	f.Add(whole.String())
	f.Add(seal(refreshPrefix, "$login#x", "usr_a", "ses_a", "f", "s"))
	f.Add(seal(refreshPrefix, "CLI_AAAAAAAAAAAAAAAAAAAAAAAAAA", "usr_a", "ses_a", "f", "s"))
	f.Add(seal(refreshPrefix, "a", "usr_a", "ses_a", "f", "s"))
	f.Add(seal(refreshPrefix, "", "usr_#", "ses_\x00", "f", "s"))
	f.Add("nrt_AA==")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseRefreshToken(s)
		if err != nil {
			return
		}
		if r.String() != s {
			t.Errorf("two tokens say the same: %q and %q", s, r.String())
		}
		if _, err := tenant.Parse(string(r.client)); err != nil && r.client != "" {
			t.Errorf("%q is no client", r.client)
		}
		checkParts(t, string(r.client), r.user, r.session, r.family, r.secret)
	})
}

func FuzzParseInvitationToken(f *testing.F) {
	f.Add(invitationToken{"cli_aaaaaaaaaaaaaaaaaaaaaaaaaa", "inv_a", "secret"}.String())
	f.Add(seal(invitationPrefix, "$platform#1", "inv_a", "secret"))
	f.Add(seal(invitationPrefix, "CLI_AAAAAAAAAAAAAAAAAAAAAAAAAA", "inv_a", "secret"))
	f.Add("nin_")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseInvitationToken(s)
		if err != nil {
			return
		}
		if _, err := tenant.Parse(string(r.client)); err != nil || r.String() != s {
			t.Errorf("%q was read as %q", s, r.String())
		}
		checkParts(t, string(r.client), r.id, r.secret)
	})
}

// checkParts fails if a part could lead out of its client or its key.
func checkParts(t *testing.T, parts ...string) {
	t.Helper()
	if slices.ContainsFunc(parts, func(p string) bool { return strings.ContainsAny(p, "#$. \x00\n") || len(p) > maxOpaque }) {
		t.Errorf("parts %q", parts)
	}
}
