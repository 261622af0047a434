package identity

import (
	"strings"
	"testing"
)

// ForgeRefreshTokens returns tokens that somebody with a token of their own can make up about another session.
func ForgeRefreshTokens(own, others string) map[string]string {
	o, err := parseRefreshToken(own)
	v, err2 := parseRefreshToken(others)
	if err != nil || err2 != nil {
		return map[string]string{"not a refresh token": ""}
	}
	all := map[string]string{}
	forge := func(name string, change func(*refreshToken)) {
		t := o
		change(&t)
		all[name] = t.String()
	}
	forge("another's session", func(t *refreshToken) { t.session = v.session })
	forge("another's session and user", func(t *refreshToken) { t.session, t.user = v.session, v.user })
	forge("another's user", func(t *refreshToken) { t.user = v.user })
	forge("another's secret", func(t *refreshToken) { t.secret, t.session, t.user = v.secret, v.session, v.user })
	forge("no such session", func(t *refreshToken) { t.session = "ses_none" })
	forge("no such user", func(t *refreshToken) { t.user = "usr_none" })
	forge("another client", func(t *refreshToken) { t.client = "cli_somewhereelse" })
	forge("the platform", func(t *refreshToken) { t.client = "" })
	return all
}

// RefreshSecrets returns the parts of a token that let somebody in.
func RefreshSecrets(t *testing.T, token string) []string {
	t.Helper()
	r, err := parseRefreshToken(token)
	if err != nil {
		t.Fatal(err)
	}
	return []string{token, r.family, r.secret}
}

// InvitationSecret returns the part of an invitation's token that lets somebody in.
func InvitationSecret(t *testing.T, token string) string {
	t.Helper()
	i, err := parseInvitationToken(token)
	if err != nil {
		t.Fatal(err)
	}
	return i.secret
}

// OccupyHasher takes every turn of a hasher, and returns what gives them back.
func OccupyHasher(a *Argon2) (release func()) {
	for range cap(a.turn) {
		a.turn <- struct{}{}
	}
	return func() {
		for range cap(a.turn) {
			<-a.turn
		}
	}
}

// ResetSecret returns the part of a reset's token that lets somebody in.
func ResetSecret(t *testing.T, token string) string {
	t.Helper()
	r, err := parseResetToken(token)
	if err != nil {
		t.Fatal(err)
	}
	return r.secret
}

// ForgeResetTokens returns tokens that somebody with a link of their own can make up about another's login.
func ForgeResetTokens(own, others string) map[string]string {
	o, err := parseResetToken(own)
	v, err2 := parseResetToken(others)
	if err != nil || err2 != nil {
		return map[string]string{"not a reset token": ""}
	}
	return map[string]string{
		"another's login":             resetToken{v.login, o.id, o.secret}.String(),
		"another's login and request": resetToken{v.login, v.id, o.secret}.String(),
		"another's request":           resetToken{o.login, v.id, o.secret}.String(),
		"another's secret":            resetToken{o.login, o.id, v.secret}.String() + "x",
		"another secret":              resetToken{v.login, v.id, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}.String(),
		"the hash in the secret":      resetToken{v.login, v.id, hashSecret(v.secret)}.String(),
		"no such login":               resetToken{hashSecret("nobody@x.example"), o.id, o.secret}.String(),
		"a login that is no hash":     resetToken{"person", o.id, o.secret}.String(),
		"capitals in the login":       seal(resetPrefix, "ABCDEF"+v.login[6:], v.id, v.secret),
		"an invitation":               invitationToken{"cli_azulazulazulazulazulazulaz", "inv_x", o.secret}.String(),
		"no secret":                   seal(resetPrefix, v.login, v.id, ""),
		"nothing":                     "",
		"not base64":                  resetPrefix + "***",
		"too long":                    resetPrefix + strings.Repeat("a", 5000),
	}
}
