package identity

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
)

// Opaque tokens are a prefix and the unpadded base64url of a few fields joined by dots. The fields lead to the row that holds the
// SHA-256 of their secret; nothing of them is believed before that hash agrees.
const (
	refreshPrefix    = "nrt_"
	invitationPrefix = "nin_"
	resetPrefix      = "npr_"
	maxOpaque        = 512 // bytes
)

var errOpaque = errors.New("identity: not a token of the platform")

// refreshToken is one generation of a session's refresh token. Family is the same in all generations: it tells a token that
// was used before from one that never was, so that nobody can end a session by knowing its id.
type refreshToken struct {
	client  tenant.ID // empty for a global administrator
	user    string
	session string
	family  string
	secret  string
}

func (t refreshToken) String() string {
	return seal(refreshPrefix, string(t.client), t.user, t.session, t.family, t.secret)
}

// partition is where the session is kept.
func (t refreshToken) partition() tenant.ID {
	if t.client == "" {
		return directory.Home(t.user)
	}
	return t.client
}

func parseRefreshToken(s string) (refreshToken, error) {
	f, err := unseal(refreshPrefix, s, 5)
	if err != nil {
		return refreshToken{}, err
	}
	t := refreshToken{tenant.ID(f[0]), f[1], f[2], f[3], f[4]}
	if f[0] != "" {
		if _, err := tenant.Parse(f[0]); err != nil {
			return refreshToken{}, errOpaque
		}
	}
	if !prefixedID(t.user, "usr_") || !prefixedID(t.session, "ses_") || t.family == "" || t.secret == "" {
		return refreshToken{}, errOpaque
	}
	return t, nil
}

// invitationToken is what an invitation's mail carries.
type invitationToken struct {
	client tenant.ID
	id     string
	secret string
}

func (t invitationToken) String() string {
	return seal(invitationPrefix, string(t.client), t.id, t.secret)
}

func parseInvitationToken(s string) (invitationToken, error) {
	f, err := unseal(invitationPrefix, s, 3)
	if err != nil {
		return invitationToken{}, err
	}
	client, err := tenant.Parse(f[0])
	if err != nil || !prefixedID(f[1], "inv_") || f[2] == "" {
		return invitationToken{}, errOpaque
	}
	return invitationToken{client, f[1], f[2]}, nil
}

// resetToken is what the mail carries with which a password is set anew. Login is the name that the directory gives the login: who has
// a token of their own and puts another's login into it finds a row that holds another secret.
type resetToken struct {
	login  string
	id     string
	secret string
}

func (t resetToken) String() string { return seal(resetPrefix, t.login, t.id, t.secret) }

func parseResetToken(s string) (resetToken, error) {
	f, err := unseal(resetPrefix, s, 3)
	if err != nil {
		return resetToken{}, err
	}
	if len(f[0]) != 64 || !prefixedID(f[1], "rst_") || f[2] == "" {
		return resetToken{}, errOpaque
	}
	return resetToken{f[0], f[1], f[2]}, nil
}

func seal(prefix string, fields ...string) string {
	return prefix + base64.RawURLEncoding.EncodeToString([]byte(strings.Join(fields, ".")))
}

// unseal returns exactly n fields of letters, digits, `_` and `-`.
func unseal(prefix, s string, n int) ([]string, error) {
	encoded, ok := strings.CutPrefix(s, prefix)
	if !ok || len(s) > maxOpaque || strings.ContainsAny(encoded, "\r\n") { // which the decoder would pass over
		return nil, errOpaque
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, errOpaque
	}
	fields := strings.Split(string(raw), ".")
	if len(fields) != n {
		return nil, errOpaque
	}
	for _, f := range fields {
		if strings.ContainsFunc(f, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
		}) {
			return nil, errOpaque
		}
	}
	return fields, nil
}

func prefixedID(s, prefix string) bool {
	return len(s) > len(prefix) && len(s) <= 64 && strings.HasPrefix(s, prefix)
}
