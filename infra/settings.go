package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Environments are where the platform can be deployed to.
var Environments = []string{"local", "dev", "staging", "prod"}

// Settings is everything in which two deployments of the platform differ.
type Settings struct {
	Env string // one of Environments
	// Local is the emulator: no service outside those it has, nothing kept, functions on this machine's own processor.
	Local bool
	// Keep protects data: recovery to a point in time, deletion protection, versions of files, nothing removed with the stack.
	Keep         bool
	LogDays      int // how long logs are kept
	ArchiveDays  int // how long the bus can replay its events; 0: it cannot
	RequestRate  int // requests per second that the gateway lets through; 0: the account's own limit
	RequestBurst int // requests at once that the gateway lets through; 0: the account's own limit
	// Redis is whether the functions share a cache, in a network of their own. Without it each instance has its own, and its share of the rates.
	Redis bool
	// TenantIsolation is whether Lambda keeps the execution environments of the HTTP functions apart by client. It is decided when a function is
	// made: to change it, deploy to another environment.
	TenantIsolation bool
	MailFrom        string // address that mail is sent from by SES; empty: no mail, invitations answer with their token
	Administrator   string // email of the first global administrator
	PublicURL       string // where people reach the platform, for the links in invitations; empty: they hold none
	Endpoint        string // of the emulator; empty on AWS
	Functions       string // the folder of the built functions
}

// email is one that needs no quoting, neither as an address nor in JSON.
var email = regexp.MustCompile(`^[\w.+-]+@[\w-]+(\.[\w-]+)+$`)

// SettingsOf returns the settings of an environment. The machine's own variables say who administers (NOWGO_ADMIN_EMAIL, required
// outside local), who mail is from (NOWGO_MAIL_FROM), whether there is a Redis (NOWGO_REDIS=on) and isolation by Lambda (NOWGO_TENANT_ISOLATION=on), where people will reach the platform (NOWGO_PUBLIC_URL), where the emulator listens (AWS_ENDPOINT_URL) and where the functions were built to, if not into .build
// (NOWGO_FUNCTIONS). What is wrong is said in one line.
func SettingsOf(env string, getenv func(string) string) (Settings, error) {
	if !slices.Contains(Environments, env) {
		return Settings{}, fmt.Errorf("infra: there is no environment %q: pass -c env= and one of %s", env,
			strings.Join(Environments, ", "))
	}
	s := Settings{Env: env, Keep: true, LogDays: 30, ArchiveDays: 30, RequestRate: 100, RequestBurst: 200,
		Administrator: getenv("NOWGO_ADMIN_EMAIL"), Functions: getenv("NOWGO_FUNCTIONS"),
		PublicURL: getenv("NOWGO_PUBLIC_URL"), MailFrom: getenv("NOWGO_MAIL_FROM"),
		Redis: getenv("NOWGO_REDIS") == on, TenantIsolation: getenv("NOWGO_TENANT_ISOLATION") == on}
	if s.Functions == "" {
		s.Functions = ".build/functions"
	}
	switch env {
	case "local":
		s.Redis, s.TenantIsolation, s.MailFrom = false, false, "" // which the emulator has not
		s.Local, s.Keep, s.LogDays, s.ArchiveDays, s.RequestRate, s.RequestBurst = true, false, 1, 0, 0, 0
		s.Endpoint = strings.TrimSuffix(getenv("AWS_ENDPOINT_URL"), "/")
		if s.Administrator == "" {
			s.Administrator = "admin@nowgo.example"
		}
	case "prod":
		s.LogDays, s.ArchiveDays, s.RequestRate, s.RequestBurst = 90, 365, 2000, 4000
	}
	if !email.MatchString(s.Administrator) {
		return Settings{}, fmt.Errorf("infra: set NOWGO_ADMIN_EMAIL to the email of the first administrator, not %q", s.Administrator)
	}
	if s.MailFrom != "" && !email.MatchString(s.MailFrom) {
		return Settings{}, fmt.Errorf("infra: NOWGO_MAIL_FROM is %q, and not an email address", s.MailFrom)
	}
	return s, nil
}

// on is the value of a variable that switches something on.
const on = "on"

// Name is how a resource of this deployment is called.
func (s Settings) Name(of string) string { return "nowgo-" + s.Env + "-" + of }

// Secret is how a secret of this deployment is called.
func (s Settings) Secret(of string) string { return "nowgo/" + s.Env + "/" + of }
