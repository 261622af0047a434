package identity

import "github.com/nowgo/agents/internal/tenant"

// ForgeAssumedRefresh returns refresh tokens that a global administrator can make up, from their own, for a session that they assumed.
func ForgeAssumedRefresh(own string, client tenant.ID, user, session string) map[string]string {
	t, err := parseRefreshToken(own)
	if err != nil {
		return map[string]string{"not a refresh token": ""}
	}
	all := map[string]string{}
	forge := func(name string, change func(*refreshToken)) {
		f := t
		f.client, f.user, f.session = client, user, session
		change(&f)
		all[name] = f.String()
	}
	forge("their own secrets", func(*refreshToken) {})
	forge("other secrets", func(f *refreshToken) { f.family, f.secret = "x", "x" })
	forge("at home", func(f *refreshToken) { f.client = "" })
	return all
}
