package client

import (
	"fmt"
	"slices"
	"time"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/name"
	"github.com/nowgo/agents/internal/tenant"
)

// Status is whether a client's people and agents may work.
type Status string

// The statuses.
const (
	Active    Status = "active"
	Suspended Status = "suspended"
	// Offboarding clients are leaving: their people are out, and they can be taken back until Client.EraseAt.
	Offboarding Status = "offboarding"
	// Erasing clients are being erased; nothing brings them back.
	Erasing Status = "erasing"
)

// Client is a company on the platform.
type Client struct {
	ID        tenant.ID
	Name      string
	Slug      string // unique on the platform; never changes
	Status    Status
	Languages []string // the first is the default
	Plan      string   // of quota.Plans
	CreatedAt time.Time
	UpdatedAt time.Time
	Version   int64
	EraseAt   time.Time // when everything it has will be erased; zero unless it is leaving

	before Status // of a client that is leaving: what it is again if it is taken back
}

// Languages are those the platform speaks.
var Languages = []string{"pt-BR", "en"}

// Channels are the kinds of channel a client can enable.
var Channels = []string{"web", "whatsapp", "slack", "telegram", "teams", "email"}

// SecondFactorRoles are the roles of which a client can ask a second factor: all there are in a client.
var SecondFactorRoles = []tenant.Role{tenant.ClientAdmin, tenant.AgentManager, tenant.StandardUser}

// Settings are what a client decides for all its agents and people.
type Settings struct {
	Languages       []string // of [Languages]
	DefaultLanguage string   // one of Languages
	Channels        []string // of [Channels]
	TimeZone        string   // IANA name, such as America/Sao_Paulo
	// SecondFactorRoles are the roles that may do nothing without a second factor, of [SecondFactorRoles].
	SecondFactorRoles []tenant.Role
	UpdatedAt         time.Time
	Version           int64
}

// Onboarding is what a new client is made from.
type Onboarding struct {
	Name          string
	Slug          string
	Languages     []string
	Plan          string // empty: quota.Default
	Administrator identity.Contact
}

// Onboarded is a new client with the invitation of its administrator.
type Onboarded struct {
	Client     Client
	Invitation identity.Invitation
}

type fields []fault.Field

func (f *fields) bad(at, message string) {
	*f = append(*f, fault.Field{Location: at, Message: message})
}

func (f fields) err(op string) error {
	if len(f) == 0 {
		return nil
	}
	return &fault.Error{Op: op, Kind: fault.Invalid, Code: "validation_failed", Fields: f}
}

func (f *fields) name(at, s string) {
	if !name.Valid(s) {
		f.bad(at, name.Problem)
	}
}

func (f *fields) subset(at string, got, all []string, least int) {
	if len(got) < least || len(got) > len(all) {
		f.bad(at, fmt.Sprintf("must have %d to %d entries", least, len(all)))
		return
	}
	for i, s := range got {
		if !slices.Contains(all, s) || slices.Contains(got[:i], s) {
			f.bad(fmt.Sprintf("%s[%d]", at, i), fmt.Sprintf("must be one of %v, once", all))
		}
	}
}

// Validate returns an Invalid error with one field for each thing that is wrong.
func (o Onboarding) Validate() error {
	var f fields
	f.name("body.name", o.Name)
	if !slug(o.Slug) {
		f.bad("body.slug", "must have 3 to 40 lower-case letters, digits and single hyphens")
	}
	f.subset("body.languages", o.Languages, Languages, 1)
	if o.Plan != "" {
		f.plan("body.plan", o.Plan)
	}
	return f.err("client.Onboarding.Validate")
}

func slug(s string) bool {
	if len(s) < 3 || len(s) > 40 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && (c != '-' || s[i-1] == '-') {
			return false
		}
	}
	return true
}

// Validate returns an Invalid error with one field for each thing that is wrong.
func (s Settings) Validate() error {
	var f fields
	f.subset("body.languages", s.Languages, Languages, 1)
	if !slices.Contains(s.Languages, s.DefaultLanguage) {
		f.bad("body.default_language", "must be one of languages")
	}
	f.subset("body.channels", s.Channels, Channels, 0)
	if !timeZone(s.TimeZone) {
		f.bad("body.time_zone", "must be an IANA time zone name")
	}
	f.subset("body.second_factor_roles", texts(s.SecondFactorRoles), texts(SecondFactorRoles), 0)
	return f.err("client.Settings.Validate")
}

func texts(roles []tenant.Role) []string {
	out := make([]string, len(roles))
	for i, r := range roles {
		out[i] = string(r)
	}
	return out
}

// timeZone accepts the form of an IANA name (RFC 6557 §2), not only the names in this machine's database, so that every
// deployment accepts the same.
func timeZone(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '/' && r != '_' && r != '-' && r != '+' {
			return false
		}
	}
	return true
}
