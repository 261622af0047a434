package organization

import (
	"time"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
)

type profileRecord struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Industry  string    `json:"industry"`
	Size      Size      `json:"size"`
	Metrics   []Metric  `json:"metrics"`
	Agents    int       `json:"agents"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func (p Profile) item() (store.Item, error) {
	return store.Row(keys.Profile(p.ID), 1, nil, profileRecord{p.ID, p.Name, p.Industry, p.Size, p.Metrics, p.Agents,
		p.CreatedAt, p.UpdatedAt})
}

func profileOf(it store.Item) (Profile, error) {
	var r profileRecord
	if err := it.Read(nil, &r); err != nil {
		return Profile{}, err
	}
	return Profile{r.ID, r.Name, r.Industry, r.Size, r.Metrics, r.Agents, r.CreatedAt, r.UpdatedAt, it.Version}, nil
}
