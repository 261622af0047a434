package organization

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/nowgo/agents/internal/fault"
)

var sectors = []string{"education", "finance", "healthcare", "manufacturing", "professional_services", "retail", "technology"}

func TestEmbeddedTemplatesAreValidAndComplete(t *testing.T) {
	if err := LoadTemplates(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, template := range Templates() {
		got = append(got, template.Sector)
	}
	if !slices.Equal(got, sectors) {
		t.Errorf("sectors are %v, want %v", got, sectors)
	}
}

func TestFindTemplate(t *testing.T) {
	for _, sector := range sectors {
		if template, ok := FindTemplate(sector); !ok || template.Sector != sector {
			t.Errorf("FindTemplate(%q) = %q, %v", sector, template.Sector, ok)
		}
	}
	for _, sector := range []string{"", "Retail", "retai", "retail2", "zoo", "templates/retail.json", "\xff"} {
		if template, ok := FindTemplate(sector); ok {
			t.Errorf("FindTemplate(%q) = %q", sector, template.Sector)
		}
	}
}

// TestTemplatesListIsTheCallers shows that cutting up the list harms no other caller.
func TestTemplatesListIsTheCallers(t *testing.T) {
	clear(Templates())
	if _, ok := FindTemplate("retail"); !ok || Templates()[0].Sector == "" {
		t.Error("a change to the returned list reached the others")
	}
}

func TestSuggestedMetricsMakeAValidProfile(t *testing.T) {
	for _, template := range Templates() {
		for _, language := range []string{"pt-BR", "en"} {
			metrics := template.Suggested(language)
			p := Profile{Name: "Loja Azul", Industry: template.Sector, Size: Size{Employees: 120}, Metrics: metrics}
			if err := p.Validate(); err != nil {
				t.Errorf("%s %s: %v", template.Sector, language, err)
			}
			for i, m := range metrics {
				if m.Name != template.Metrics[i].Names[language] || m.Current != m.Baseline {
					t.Errorf("%s %s: %+v", template.Sector, language, m)
				}
			}
		}
		if !slices.Equal(template.Suggested("fr"), template.Suggested("en")) {
			t.Errorf("%s: an unknown language does not fall back to English", template.Sector)
		}
	}
}

var digits = regexp.MustCompile(`[0-9]+`)

// TestLanguagesStateTheSameFacts compares the numbers (laws, deadlines, telephone lines) of each rule with those of the same
// rule in the other language.
func TestLanguagesStateTheSameFacts(t *testing.T) {
	numbers := func(s string) []string {
		found := digits.FindAllString(s, -1)
		slices.Sort(found)
		return slices.Compact(found)
	}
	for _, template := range Templates() {
		pt, en := rules(template.Texts["pt-BR"]), rules(template.Texts["en"])
		for i := range pt {
			if a, b := numbers(pt[i]), numbers(en[i]); !slices.Equal(a, b) {
				t.Errorf("%s: %v in %q, %v in %q", template.Sector, a, pt[i], b, en[i])
			}
		}
	}
}

func rules(text TemplateText) []string {
	out := slices.Concat(text.Instructions, text.Cautions)
	for _, h := range text.Handoff {
		out = append(out, h.When+" "+h.Reason)
	}
	return out
}

// TestCautionsNameWhatTheSectorMustNotForget holds the facts without which an agent of the sector does harm.
func TestCautionsNameWhatTheSectorMustNotForget(t *testing.T) {
	must := map[string][]string{
		"education":             {"ECA", "LGPD", "188", "9.870/1999"},
		"finance":               {"CVM", "105/2001", "CVV", "11.034/2022"},
		"healthcare":            {"192", "SAMU", "188", "LGPD", "ANS"},
		"manufacturing":         {"NR-12", "NR-10", "618/2019", "193"},
		"professional_services": {"OAB", "CRC", "205/2021", "LGPD"},
		"retail":                {"art. 49", "art. 26", "Procon", "Pix"},
		"technology":            {"ANPD", "SLA", "token", "P1"},
	}
	for _, template := range Templates() {
		for language, text := range template.Texts {
			all := strings.Join(rules(text), "\n")
			for _, fact := range must[template.Sector] {
				if !strings.Contains(all, fact) {
					t.Errorf("%s %s: no rule mentions %s", template.Sector, language, fact)
				}
			}
		}
	}
}

func TestValidateTellsWhatIsWrong(t *testing.T) {
	onEnglish := func(change func(*TemplateText)) func(*Template) {
		return func(t *Template) {
			text := t.Texts["en"]
			change(&text)
			t.Texts["en"] = text
		}
	}
	cases := map[string]struct {
		breaks func(*Template)
		want   string
	}{
		"sector not snake_case": {func(t *Template) { t.Sector = "Retail" }, "sector"},
		"no version":            {func(t *Template) { t.Version = 0 }, "version"},
		"repeated role":         {func(t *Template) { t.Roles[1] = t.Roles[0] }, "roles[1]"},
		"one role":              {func(t *Template) { t.Roles = t.Roles[:1] }, "roles"},
		"no English":            {func(t *Template) { delete(t.Texts, "en") }, "texts"},
		"a third language":      {func(t *Template) { t.Texts["es"] = t.Texts["en"] }, "texts"},
		"few metrics":           {func(t *Template) { t.Metrics = t.Metrics[:3] }, "metrics"},
		"metric key":            {func(t *Template) { t.Metrics[2].Key = "no-dash" }, "metrics[2]"},
		"metric unit":           {func(t *Template) { t.Metrics[0].Unit = "parsec" }, "metrics[0].unit"},
		"metric direction":      {func(t *Template) { t.Metrics[0].Direction = "left" }, "metrics[0].direction"},
		"target on wrong side":  {func(t *Template) { t.Metrics[0].Target = t.Metrics[0].Baseline + 1 }, "metrics[0]"},
		"negative baseline":     {func(t *Template) { t.Metrics[2].Baseline = -1 }, "metrics[2]"},
		"over 100 percent":      {func(t *Template) { t.Metrics[2].Target = 101 }, "metrics[2]"},
		"metric without a name": {func(t *Template) { delete(t.Metrics[1].Names, "en") }, "metrics[1].names.en"},
		"no title":              {onEnglish(func(t *TemplateText) { t.Title = "" }), "texts.en.title"},
		"short summary":         {onEnglish(func(t *TemplateText) { t.Summary = "Shops." }), "texts.en.summary"},
		"long greeting":         {onEnglish(func(t *TemplateText) { t.Greeting = strings.Repeat("á", 301) }), "texts.en.greeting"},
		"no fallback":           {onEnglish(func(t *TemplateText) { t.Fallback = "" }), "texts.en.fallback"},
		"no personality":        {onEnglish(func(t *TemplateText) { t.Personality = "" }), "texts.en.personality"},
		"no tone":               {onEnglish(func(t *TemplateText) { t.Tone = "" }), "texts.en.tone"},
		"instruction missing":   {onEnglish(func(t *TemplateText) { t.Instructions = t.Instructions[1:] }), "instructions and cautions"},
		"empty caution":         {onEnglish(func(t *TemplateText) { t.Cautions[0] = "" }), "texts.en.cautions[0]"},
		"other topic key":       {onEnglish(func(t *TemplateText) { t.Topics[0].Key = "other" }), "texts.en.topics"},
		"topic without title":   {onEnglish(func(t *TemplateText) { t.Topics[0].Title = "" }), "texts.en.topics[0].title"},
		"topic without example": {onEnglish(func(t *TemplateText) { t.Topics[1].Question = "" }), "texts.en.topics[1].question"},
		"hand-off order":        {onEnglish(func(t *TemplateText) { slices.Reverse(t.Handoff) }), "texts.en.handoff"},
		"hand-off without when": {onEnglish(func(t *TemplateText) { t.Handoff[0].When = "" }), "texts.en.handoff[0].when"},
		"hand-off reason":       {onEnglish(func(t *TemplateText) { t.Handoff[0].Reason = "" }), "texts.en.handoff[0].reason"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			broken := copyOf(t, "retail")
			c.breaks(&broken)
			if err := broken.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want one about %q", err, c.want)
			}
		})
	}
	if (Template{}).Validate() == nil {
		t.Error("the zero template passes")
	}
}

// copyOf returns a template that shares nothing with the embedded one.
func copyOf(t *testing.T, sector string) Template {
	t.Helper()
	original, _ := FindTemplate(sector)
	data, err := json.Marshal(original)
	if err != nil {
		t.Fatal(err)
	}
	var out Template
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestReadTemplatesRefusesBadFiles(t *testing.T) {
	good, err := templateFiles.ReadFile("templates/retail.json")
	if err != nil {
		t.Fatal(err)
	}
	invalid := strings.Replace(string(good), `"version": 1`, `"version": 0`, 1)
	unknown := strings.Replace(string(good), `"version": 1`, `"version": 1, "colour": "blue"`, 1)
	cases := map[string]fstest.MapFS{
		"empty file":        {"templates/retail.json": {Data: nil}},
		"cut short":         {"templates/retail.json": {Data: good[:len(good)/2]}},
		"two values":        {"templates/retail.json": {Data: slices.Concat(good, good)}},
		"junk behind":       {"templates/retail.json": {Data: slices.Concat(good, []byte("]"))}},
		"unknown field":     {"templates/retail.json": {Data: []byte(unknown)}},
		"invalid content":   {"templates/retail.json": {Data: []byte(invalid)}},
		"another name":      {"templates/healthcare.json": {Data: good}},
		"one good, one bad": {"templates/retail.json": {Data: good}, "templates/zoo.json": {Data: []byte("{}")}},
	}
	for name, files := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := readTemplates(files)
			if !fault.Is(err, fault.Internal) || !strings.Contains(err.Error(), "templates_invalid") || got != nil {
				t.Errorf("got %d templates and %v", len(got), err)
			}
		})
	}
	got, err := readTemplates(fstest.MapFS{"templates/retail.json": {Data: good}})
	if err != nil || len(got) != 1 {
		t.Errorf("the good file gives %d templates and %v", len(got), err)
	}
}

func FuzzReadTemplate(f *testing.F) {
	good, err := templateFiles.ReadFile("templates/retail.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"sector":"retail","texts":{"pt-BR":null,"en":{"topics":[null]}},"metrics":[{"names":null}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := readTemplate(fstest.MapFS{"templates/retail.json": {Data: data}}, "templates/retail.json")
		if err == nil && (got.Sector != "retail" || len(slices.Collect(maps.Keys(got.Texts))) != 2) {
			t.Errorf("accepted %q", data)
		}
	})
}
