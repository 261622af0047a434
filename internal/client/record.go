package client

import (
	"cmp"
	"time"

	"github.com/nowgo/agents/internal/quota"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// clientSummary is also what the authorizer reads: its status field says whether the client's people are let in.
type clientSummary struct {
	ID     tenant.ID `json:"id"`
	Slug   string    `json:"slug"`
	Name   string    `json:"name"`
	Status Status    `json:"status"`
	Plan   string    `json:"plan,omitempty"`
}

type clientData struct {
	Languages []string  `json:"languages"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	EraseAt   time.Time `json:"erase_at,omitzero"`
	Before    Status    `json:"before,omitempty"` // it was leaving
}

func (c Client) item() (store.Item, error) {
	return store.Row(keys.Client, 1, clientSummary{c.ID, c.Slug, c.Name, c.Status, c.Plan},
		clientData{c.Languages, c.CreatedAt, c.UpdatedAt, c.EraseAt, c.before})
}

func clientOf(it store.Item) (Client, error) {
	var s clientSummary
	var d clientData
	if err := it.Read(&s, &d); err != nil {
		return Client{}, err
	}
	return Client{ID: s.ID, Name: s.Name, Slug: s.Slug, Status: s.Status, Languages: d.Languages, Plan: cmp.Or(s.Plan, quota.Default),
		CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt, EraseAt: d.EraseAt, before: d.Before, Version: it.Version}, nil
}

type settingsRecord struct {
	Languages       []string  `json:"languages"`
	DefaultLanguage string    `json:"default_language"`
	Channels        []string  `json:"channels"`
	TimeZone        string    `json:"time_zone"`
	UpdatedAt       time.Time `json:"updated_at"`

	SecondFactorRoles []tenant.Role `json:"second_factor_roles,omitempty"`
}

func (s Settings) item() (store.Item, error) {
	return store.Row(keys.Settings, 1, nil, settingsRecord{s.Languages, s.DefaultLanguage, s.Channels, s.TimeZone, s.UpdatedAt,
		s.SecondFactorRoles})
}

func settingsOf(it store.Item) (Settings, error) {
	var r settingsRecord
	if err := it.Read(nil, &r); err != nil {
		return Settings{}, err
	}
	return Settings{r.Languages, r.DefaultLanguage, r.Channels, r.TimeZone, r.SecondFactorRoles, r.UpdatedAt, it.Version}, nil
}
