package organization

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/nowgo/agents/internal/fault"
)

// Template is what the platform knows of a sector before it knows the company: the first draft of an agent in every
// language, and what such companies usually measure. Templates are shared by all callers, who must not change them.
type Template struct {
	Sector  string                  `json:"sector"`  // snake_case, such as professional_services
	Version int                     `json:"version"` // from 1; grows with every change of the content
	Roles   []string                `json:"roles"`   // what an agent of the sector does well, snake_case, such as scheduling
	Metrics []TemplateMetric        `json:"metrics"`
	Texts   map[string]TemplateText `json:"texts"` // by language: pt-BR and en, both always there
}

// TemplateMetric is a measure that companies of a sector usually follow. Baseline and Target are a place to start, to be
// replaced by the company's own numbers.
type TemplateMetric struct {
	Key       string            `json:"key"`       // snake_case, unique in its template
	Unit      string            `json:"unit"`      // percent, minutes, hours, days, points or count
	Direction Direction         `json:"direction"` // where Target is, seen from Baseline
	Baseline  float64           `json:"baseline"`  // in Unit, not negative
	Target    float64           `json:"target"`    // in Unit, not negative
	Names     map[string]string `json:"names"`     // by language
}

// TemplateText is everything of a template that a person or a model reads, in one language.
type TemplateText struct {
	Title        string            `json:"title"`
	Summary      string            `json:"summary"` // for the person who chooses a template
	Personality  string            `json:"personality"`
	Tone         string            `json:"tone"`
	Greeting     string            `json:"greeting"`
	Fallback     string            `json:"fallback"` // said when the agent does not know
	Instructions []string          `json:"instructions"`
	Topics       []TemplateTopic   `json:"topics"`
	Handoff      []TemplateHandoff `json:"handoff"`
	Cautions     []string          `json:"cautions"` // what the law and the trade ask of the agent
}

// TemplateTopic is a subject to prepare the agent for, with a question that people really ask.
type TemplateTopic struct {
	Key      string `json:"key"` // snake_case, the same in every language
	Title    string `json:"title"`
	Question string `json:"question"`
}

// TemplateHandoff says when a person must take over, and why.
type TemplateHandoff struct {
	Key    string `json:"key"` // snake_case, the same in every language
	When   string `json:"when"`
	Reason string `json:"reason"`
}

//go:embed templates/*.json
var templateFiles embed.FS

var loadTemplates = sync.OnceValues(func() ([]Template, error) { return readTemplates(templateFiles) })

// LoadTemplates reads and checks the embedded templates, once; composition calls it so that a broken build is known at the
// start. Errors: Internal `templates_invalid`.
func LoadTemplates() error {
	_, err := loadTemplates()
	return err
}

// Templates returns every template in byte order of its sector; none where [LoadTemplates] fails.
func Templates() []Template {
	all, err := loadTemplates()
	if err != nil {
		return nil
	}
	return slices.Clone(all)
}

// FindTemplate returns the template of a sector; false where there is none, or where [LoadTemplates] fails.
func FindTemplate(sector string) (Template, bool) {
	all, err := loadTemplates()
	if err != nil {
		return Template{}, false
	}
	i, found := slices.BinarySearchFunc(all, sector, func(t Template, s string) int { return strings.Compare(t.Sector, s) })
	if !found {
		return Template{}, false
	}
	return all[i], true
}

// Suggested returns the template's metrics as those of a new profile, named in the given language (English where the
// template does not speak it). Current is the baseline.
func (t Template) Suggested(language string) []Metric {
	out := make([]Metric, 0, len(t.Metrics))
	for _, m := range t.Metrics {
		name, ok := m.Names[language]
		if !ok {
			name = m.Names["en"]
		}
		out = append(out, Metric{Key: m.Key, Name: name, Unit: m.Unit, Direction: m.Direction, Baseline: m.Baseline,
			Target: m.Target, Current: m.Baseline})
	}
	return out
}

// readTemplates reads templates/<sector>.json, each one valid, its sector the name of its file.
func readTemplates(files fs.FS) ([]Template, error) {
	const op = "organization.readTemplates"
	names, err := fs.Glob(files, "templates/*.json")
	if err != nil {
		return nil, fault.Wrap(op, fault.Internal, "templates_invalid", err)
	}
	all := make([]Template, 0, len(names))
	for _, name := range names {
		t, err := readTemplate(files, name)
		if err != nil {
			return nil, fault.Wrap(op, fault.Internal, "templates_invalid", fmt.Errorf("%s: %w", name, err))
		}
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b Template) int { return strings.Compare(a.Sector, b.Sector) })
	return all, nil
}

func readTemplate(files fs.FS, name string) (Template, error) {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return Template{}, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var t Template
	if err := decoder.Decode(&t); err != nil {
		return Template{}, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Template{}, errors.New("holds more than one value")
	}
	if name != "templates/"+t.Sector+".json" {
		return Template{}, fmt.Errorf("holds the sector %q", t.Sector)
	}
	return t, t.Validate()
}
