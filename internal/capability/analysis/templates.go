package analysis

import (
	"context"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/organization"
	"github.com/nowgo/agents/internal/tenant"
)

// TemplateHead is a template in a list, in the caller's language.
type TemplateHead struct {
	Sector  string   `json:"sector"`
	Version int      `json:"version"`
	Title   string   `json:"title"`
	Summary string   `json:"summary"`
	Roles   []string `json:"roles"`
}

// TemplateList is all templates.
type TemplateList struct {
	Items []TemplateHead `json:"items" nullable:"false"`
}

// Template is a whole template, in every language.
type Template struct {
	Sector  string                               `json:"sector"`
	Version int                                  `json:"version"`
	Roles   []string                             `json:"roles"`
	Metrics []organization.Metric                `json:"metrics" doc:"Suggested, named in the caller's language"`
	Texts   map[string]organization.TemplateText `json:"texts"`
}

type bySector struct {
	Sector string `path:"sector" maxLength:"64" example:"retail"`
}

func (h handlers) registerTemplates() {
	httpapi.Register(h.api, httpapi.Op{ID: "list-templates", Summary: "List the sector templates"},
		func(ctx context.Context, _ *struct{}) (TemplateList, error) {
			all := organization.Templates()
			out := TemplateList{Items: make([]TemplateHead, 0, len(all))}
			for _, t := range all {
				text := t.Texts[language(ctx)]
				out.Items = append(out.Items, TemplateHead{t.Sector, t.Version, text.Title, text.Summary, t.Roles})
			}
			return out, nil
		}, httpapi.Body[TemplateList])
	httpapi.Register(h.api, httpapi.Op{ID: "get-template", Summary: "Read a sector template", Errors: []int{404}},
		func(ctx context.Context, in *bySector) (Template, error) {
			t, ok := organization.FindTemplate(in.Sector)
			if !ok {
				return Template{}, fault.New("analysis.template", fault.NotFound, "template_not_found")
			}
			return Template{t.Sector, t.Version, t.Roles, t.Suggested(language(ctx)), t.Texts}, nil
		}, httpapi.Body[Template])
}

// language is the one to show texts in: the caller's, or English.
func language(ctx context.Context) string {
	if l := tenant.CallFrom(ctx).Language; l != "" {
		return l
	}
	return "en"
}
