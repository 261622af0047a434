package main

import (
	"strings"
	"testing"
)

func TestSettingsSayInOneLineWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ env, administrator, want string }{
		"no environment":                      {"", "", "pass -c env="},
		"an unknown environment":              {"production", "a@b.example", `no environment "production"`},
		"no administrator outside local":      {"dev", "", "set NOWGO_ADMIN_EMAIL"},
		"an administrator that is no address": {"dev", "ana", "set NOWGO_ADMIN_EMAIL"},
		"an address that would break JSON":    {"dev", `a"b@c.example`, "set NOWGO_ADMIN_EMAIL"},
	} {
		_, err := SettingsOf(c.env, func(string) string { return c.administrator })
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryEnvironmentHasSettings(t *testing.T) {
	for _, env := range Environments {
		s, err := SettingsOf(env, func(string) string { return "ana@nowgo.example" })
		if err != nil {
			t.Errorf("%s: %v", env, err)
		}
		if s.Keep == s.Local || s.Local != (env == "local") {
			t.Errorf("%s keeps data: %v", env, s.Keep)
		}
		if _, ok := retention[s.LogDays]; !ok {
			t.Errorf("%s: logs cannot be kept for %d days", env, s.LogDays)
		}
	}
}
