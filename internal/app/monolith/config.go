// Package monolith runs the whole platform in one process over an embedded table: the same handlers, authorizer and workers as
// the functions, with the relay as a goroutine.
package monolith

import (
	"github.com/nowgo/agents/internal/settings"
)

// Config is what the process is told by its environment.
type Config struct {
	Addr          string  // NOWGO_ADDR: host and port to listen on
	Data          string  // NOWGO_DATA: folder of everything durable
	PublicURL     string  // NOWGO_PUBLIC_URL: where people reach the platform; http:// and Addr where empty
	Proxies       string  // NOWGO_PROXIES: networks whose X-Forwarded-For says where a request comes from, separated by commas
	Mail          string  // NOWGO_MAIL: smtp:// or smtps://, or a folder for .eml files; empty: invitations answer with their token
	MailFrom      string  // NOWGO_MAIL_FROM: the sender's address
	RedisURL      string  // NOWGO_REDIS_URL: redis:// or rediss://, shared by several processes; empty: this process's memory
	RateShare     float64 // NOWGO_RATE_SHARE: the part of every plan's rate that this process gives out; 1 where it is the only one
	AdminEmail    string  // NOWGO_ADMIN_EMAIL: of the first global administrator
	AdminPassword string  // NOWGO_ADMIN_PASSWORD: empty: one is made and printed once
}

// ReadConfig reads the environment. Everything has a default.
func ReadConfig(e *settings.Env) Config {
	return Config{Addr: e.Optional("NOWGO_ADDR", "127.0.0.1:8080"), Data: e.Optional("NOWGO_DATA", "./.data"),
		PublicURL: e.Optional("NOWGO_PUBLIC_URL", ""), Proxies: e.Optional("NOWGO_PROXIES", ""), Mail: e.Optional("NOWGO_MAIL", ""), MailFrom: e.Optional("NOWGO_MAIL_FROM", ""), RedisURL: e.Optional("NOWGO_REDIS_URL", ""),
		RateShare: e.Number("NOWGO_RATE_SHARE", 1), AdminEmail: e.Optional("NOWGO_ADMIN_EMAIL", "admin@nowgo.example"), AdminPassword: e.Optional("NOWGO_ADMIN_PASSWORD", "")}
}
