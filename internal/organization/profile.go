package organization

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/name"
)

// Direction says whether a metric should go up or down.
type Direction string

// The directions.
const (
	Up   Direction = "up"
	Down Direction = "down"
)

// Metric is a measure of success: where it stood, where it stands and where it should go, all in Unit.
type Metric struct {
	Key       string    `json:"key"` // snake_case, unique in its profile
	Name      string    `json:"name"`
	Unit      string    `json:"unit"` // such as minutes, percent, BRL
	Direction Direction `json:"direction"`
	Baseline  float64   `json:"baseline"`
	Target    float64   `json:"target"`
	Current   float64   `json:"current"`
}

// Size is how large the company is.
type Size struct {
	Employees int `json:"employees"` // 1 to 10,000,000
}

// Profile describes a company, or a part of one, that agents are generated for.
type Profile struct {
	ID        string // pro_…
	Name      string
	Industry  string // a sector of the templates
	Size      Size
	Metrics   []Metric
	Agents    int // how many agents were generated for it and still exist
	CreatedAt time.Time
	UpdatedAt time.Time
	Version   int64
}

// Limits of a profile.
const (
	MaxMetrics = 50
)

// Validate returns an Invalid error with one field for each thing that is wrong.
func (p Profile) Validate() error {
	var fields []fault.Field
	bad := func(at, message string) { fields = append(fields, fault.Field{Location: at, Message: message}) }
	if !name.Valid(p.Name) {
		bad("body.name", name.Problem)
	}
	if _, ok := FindTemplate(p.Industry); !ok {
		bad("body.industry", "must be a sector of the templates")
	}
	if p.Size.Employees < 1 || p.Size.Employees > 10_000_000 {
		bad("body.size.employees", "must be from 1 to 10000000")
	}
	if len(p.Metrics) > MaxMetrics {
		bad("body.metrics", fmt.Sprintf("must have at most %d entries", MaxMetrics))
	}
	seen := map[string]bool{}
	for i, m := range p.Metrics {
		at := fmt.Sprintf("body.metrics[%d]", i)
		if !snakeCase(m.Key) || seen[m.Key] {
			bad(at+".key", "must be snake_case and unique")
		}
		seen[m.Key] = true
		if !name.Valid(m.Name) {
			bad(at+".name", name.Problem)
		}
		if n := utf8.RuneCountInString(m.Unit); n < 1 || n > 40 {
			bad(at+".unit", "must have 1 to 40 characters")
		}
		if m.Direction != Up && m.Direction != Down {
			bad(at+".direction", "must be up or down")
		}
	}
	if len(fields) > 0 {
		return &fault.Error{Op: "organization.Profile.Validate", Kind: fault.Invalid, Code: "validation_failed", Fields: fields}
	}
	return nil
}

func snakeCase(s string) bool {
	if s == "" || len(s) > 64 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' {
			return false
		}
	}
	return true
}
