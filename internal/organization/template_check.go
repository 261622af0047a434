package organization

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// templateLanguages are the languages that every template speaks.
var templateLanguages = []string{"pt-BR", "en"}

// templateUnits are the units that a suggested metric may have; points are those of a score from -100 to 100.
var templateUnits = []string{"percent", "minutes", "hours", "days", "points", "count"}

// Validate returns an error that joins everything wrong with the template, nil where nothing is: a missing language, a text
// too short to help or too long for a prompt, a key that is not snake_case or not the same in every language, a target on the
// wrong side of its baseline.
func (t Template) Validate() error {
	var c templateCheck
	if !snakeCase(t.Sector) {
		c.add("sector", "must be snake_case")
	}
	if t.Version < 1 {
		c.add("version", "must be at least 1")
	}
	c.keys("roles", t.Roles, 2, 6)
	c.metrics(t.Metrics)
	if len(t.Texts) != len(templateLanguages) {
		c.add("texts", "must be in %v", templateLanguages)
	}
	reference := t.Texts[templateLanguages[0]]
	for _, language := range templateLanguages {
		text := t.Texts[language]
		c.text("texts."+language, text)
		if !slices.Equal(text.topicKeys(), reference.topicKeys()) {
			c.add("texts."+language+".topics", "must have the keys %v", reference.topicKeys())
		}
		if !slices.Equal(text.handoffKeys(), reference.handoffKeys()) {
			c.add("texts."+language+".handoff", "must have the keys %v", reference.handoffKeys())
		}
		if len(text.Instructions) != len(reference.Instructions) || len(text.Cautions) != len(reference.Cautions) {
			c.add("texts."+language, "must have as many instructions and cautions in every language")
		}
	}
	return errors.Join(c...)
}

func (t TemplateText) topicKeys() []string {
	keys := make([]string, 0, len(t.Topics))
	for _, topic := range t.Topics {
		keys = append(keys, topic.Key)
	}
	return keys
}

func (t TemplateText) handoffKeys() []string {
	keys := make([]string, 0, len(t.Handoff))
	for _, rule := range t.Handoff {
		keys = append(keys, rule.Key)
	}
	return keys
}

// templateCheck gathers what is wrong.
type templateCheck []error

func (c *templateCheck) add(at, format string, args ...any) {
	*c = append(*c, fmt.Errorf("%s %s", at, fmt.Sprintf(format, args...)))
}

func (c *templateCheck) length(at, s string, low, high int) {
	if n := utf8.RuneCountInString(s); n < low || n > high {
		c.add(at, "has %d characters, must have %d to %d", n, low, high)
	}
}

func (c *templateCheck) count(at string, n, low, high int) {
	if n < low || n > high {
		c.add(at, "has %d entries, must have %d to %d", n, low, high)
	}
}

func (c *templateCheck) keys(at string, keys []string, low, high int) {
	c.count(at, len(keys), low, high)
	seen := map[string]bool{}
	for i, key := range keys {
		if !snakeCase(key) || seen[key] {
			c.add(fmt.Sprintf("%s[%d]", at, i), "must be snake_case and unique, is %q", key)
		}
		seen[key] = true
	}
}

func (c *templateCheck) metrics(metrics []TemplateMetric) {
	keys := make([]string, 0, len(metrics))
	for i, m := range metrics {
		at := fmt.Sprintf("metrics[%d]", i)
		keys = append(keys, m.Key)
		if !slices.Contains(templateUnits, m.Unit) {
			c.add(at+".unit", "must be one of %v", templateUnits)
		}
		if m.Direction != Up && m.Direction != Down {
			c.add(at+".direction", "must be up or down")
		}
		if m.Baseline < 0 || m.Target < 0 || m.Baseline == m.Target || (m.Target > m.Baseline) != (m.Direction == Up) {
			c.add(at, "must not be negative, and its target must lie %s from its baseline", m.Direction)
		}
		if m.Unit == "percent" && max(m.Baseline, m.Target) > 100 {
			c.add(at, "must not be over 100 percent")
		}
		if len(m.Names) != len(templateLanguages) {
			c.add(at+".names", "must be in %v", templateLanguages)
		}
		for _, language := range templateLanguages {
			c.length(at+".names."+language, m.Names[language], 5, 80)
		}
	}
	c.keys("metrics", keys, 4, 8)
}

func (c *templateCheck) text(at string, t TemplateText) {
	c.length(at+".title", t.Title, 4, 60)
	c.length(at+".summary", t.Summary, 80, 400)
	c.length(at+".personality", t.Personality, 80, 600)
	c.length(at+".tone", t.Tone, 40, 400)
	c.length(at+".greeting", t.Greeting, 20, 300)
	c.length(at+".fallback", t.Fallback, 40, 400)
	c.list(at+".instructions", t.Instructions, 6, 12)
	c.list(at+".cautions", t.Cautions, 4, 10)
	c.keys(at+".topics", t.topicKeys(), 6, 12)
	for i, topic := range t.Topics {
		c.length(fmt.Sprintf("%s.topics[%d].title", at, i), topic.Title, 4, 80)
		c.length(fmt.Sprintf("%s.topics[%d].question", at, i), topic.Question, 15, 200)
	}
	c.keys(at+".handoff", t.handoffKeys(), 4, 10)
	for i, rule := range t.Handoff {
		c.length(fmt.Sprintf("%s.handoff[%d].when", at, i), rule.When, 20, 250)
		c.length(fmt.Sprintf("%s.handoff[%d].reason", at, i), rule.Reason, 20, 250)
	}
}

func (c *templateCheck) list(at string, items []string, low, high int) {
	c.count(at, len(items), low, high)
	for i, s := range items {
		c.length(fmt.Sprintf("%s[%d]", at, i), s, 30, 350)
	}
}
