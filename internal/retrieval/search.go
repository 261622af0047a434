package retrieval

import (
	"cmp"
	"slices"
	"strings"

	"github.com/nowgo/agents/internal/llm"
)

// BM25's parameters, at the values that its authors found to hold widely (Robertson and Zaragoza, The Probabilistic
// Relevance Framework: BM25 and Beyond, 2009, §3.3). Fields are weighted as in its §3.6: frequencies are summed first.
const (
	bm25K = 1.2
	bm25B = 0.75
)

const (
	otherLanguage = 0.5 // what a passage's score counts where it is not in the query's language
	kinship       = 0.6 // what a related form of a word counts
	maxKin        = 24  // related forms of a word that are looked at
	reranked      = 24  // passages of the best score whose coverage is measured, at least
)

// Hit is a passage that a search found.
type Hit struct {
	DocumentID string
	PassageID  string
	Heading    string
	Path       []string
	Text       string
	Language   string
	Score      float64 // over 0; comparable within one search
	Coverage   float64 // 0 to 1: how much of what was asked the passage speaks of; comparable between searches
}

// Passages shows hits as the passages that a model may rest an answer on.
func Passages(hits []Hit) []llm.Passage {
	out := make([]llm.Passage, len(hits))
	for i, h := range hits {
		out[i] = llm.Passage{DocumentID: h.DocumentID, PassageID: h.PassageID, Heading: h.Heading, Text: h.Text,
			Language: h.Language, Score: h.Score, Coverage: h.Coverage}
	}
	return out
}

// tally is what a search knows of a passage.
type tally struct {
	score   float64
	covered float64 // weight of the query's terms that it holds
	best    float64 // score and credit of the term at hand
	credit  float64
}

// Search returns the passages that share words with the query, best first, at most limit. Only the query's first MaxQuery
// characters are read. Language is the query's (a BCP 47 tag); empty lets it be told from the words. Passages in that
// language come before equally good ones in the other. Equals come in the order of their documents' ids, then of the passages in them.
func (x *Index) Search(query, language string, limit int) []Hit {
	if limit <= 0 || len(x.passages) == 0 {
		return nil
	}
	asked := parse(query)
	if language == "" {
		language = Language(clipQuery(query), nil)
	}
	tallies := make([]tally, len(x.passages))
	var resolved [2]resolution
	for n := range x.parts {
		resolved[n] = x.parts[n].resolve(asked)
		x.parts[n].score(resolved[n], x.lengths, tallies)
	}
	candidates := x.candidates(tallies, partOf(language), max(limit, reranked))
	hits := make([]Hit, 0, len(candidates))
	for _, i := range candidates {
		n := partOf(x.passages[i].Language)
		coverage := x.parts[n].coverage(resolved[n], tallies[i].covered, x.passages[i].Heading)
		hits = append(hits, x.hit(i, tallies[i].score*(0.5+coverage), coverage))
	}
	slices.SortStableFunc(hits, func(a, b Hit) int { return cmp.Compare(b.Score, a.Score) })
	return hits[:min(limit, len(hits))]
}

func (x *Index) hit(i int, score, coverage float64) Hit {
	p := x.passages[i]
	return Hit{p.DocumentID, p.PassageID, p.Heading, p.Path, p.Text, p.Language, score, coverage}
}

// candidates returns the passages with the best scores, best first, after passages in another language than the
// query's were made to count less.
func (x *Index) candidates(tallies []tally, language, limit int) []int {
	var out []int
	for i := range tallies {
		if tallies[i].score > 0 {
			if partOf(x.passages[i].Language) != language {
				tallies[i].score *= otherLanguage
			}
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(tallies[b].score, tallies[a].score) })
	return out[:min(limit, len(out))]
}

// form is a term of the index that a word of the query stands for.
type form struct {
	term   term
	credit float64 // 1 for the word's own stem, less for a related one
}

// sought is a word of the query as one part of the index sees it.
type sought struct {
	stem   string
	forms  []form
	weight float64 // of the word in the query, times how telling it is in this part
}

// resolution is a query as one part sees it.
type resolution struct {
	words   []sought
	total   float64 // of their weights
	stemmer *stemmer
}

// resolve looks the query's words up. A word that no passage holds is the most telling of all.
func (p *part) resolve(asked []queryTerm) resolution {
	s := newStemmer(p.language)
	r := resolution{stemmer: s}
	for _, q := range asked {
		stem := s.stem(q.word)
		if i := slices.IndexFunc(r.words, func(w sought) bool { return w.stem == stem }); i >= 0 {
			continue
		}
		forms := p.forms(stem)
		found := 0
		for i, f := range forms {
			if i == 0 || f.credit == 1 {
				found = max(found, f.term.found)
			}
		}
		w := sought{stem, forms, q.weight * p.idf(found)}
		r.words = append(r.words, w)
		r.total += w.weight
	}
	return r
}

// forms returns the terms that a stem stands for: its own, and those it is akin to.
func (p *part) forms(stem string) []form {
	var out []form
	if t, ok := p.find(stem); ok {
		out = append(out, form{t, 1})
	}
	if len(stem) < kinPrefix {
		return out
	}
	prefix := stem[:kinPrefix]
	for i := p.search(prefix); i < len(p.terms) && len(out) < maxKin && strings.HasPrefix(p.terms[i].stem, prefix); i++ {
		if t := p.terms[i]; t.stem != stem && akin(stem, t.stem) {
			out = append(out, form{t, kinship})
		}
	}
	return out
}

const kinPrefix = 5

// akin reports whether two stems seem to be of one family (devolv, devolu; deliv, deliveri): they begin alike, for at least five
// bytes and three fifths of the longer.
func akin(a, b string) bool {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n >= kinPrefix && n*5 >= max(len(a), len(b))*3
}

// score adds the part's share to the passages' tallies.
func (p *part) score(r resolution, lengths []uint32, tallies []tally) {
	if p.count == 0 {
		return
	}
	average := max(1, float64(p.total)/float64(p.count))
	for _, w := range r.words {
		for _, f := range w.forms {
			f.term.each(func(i int, tf float64) {
				norm := bm25K * (1 - bm25B + bm25B*float64(lengths[i])/average)
				t := &tallies[i]
				t.best = max(t.best, f.credit*tf*(bm25K+1)/(tf+norm))
				t.credit = max(t.credit, f.credit)
			})
		}
		for _, f := range w.forms {
			f.term.each(func(i int, _ float64) {
				t := &tallies[i]
				t.score, t.covered = t.score+w.weight*t.best, t.covered+w.weight*t.credit
				t.best, t.credit = 0, 0
			})
		}
	}
}

// coverage measures how much of the query a passage speaks of: the share of the query's weight that it holds, and, for
// the rest, how much of its heading the query repeats, which counts where that is telling.
func (p *part) coverage(r resolution, covered float64, heading string) float64 {
	if r.total == 0 {
		return 0
	}
	forward := covered / r.total
	repeated, telling := p.repeated(r, heading)
	return min(1, forward+(1-forward)*headingShare*repeated*telling)
}

const headingShare = 0.6

// repeated returns how much of a heading's weight the query holds, and how telling those words are: 1 where together
// they tell as much as two words that one passage alone has.
func (p *part) repeated(r resolution, heading string) (share, telling float64) {
	var total, held float64
	lex := lexiconOf()
	for w := range plain(heading) {
		if lex.isFunction(w) {
			continue
		}
		stem := r.stemmer.stem(w)
		t, _ := p.find(stem)
		weight := p.idf(t.found)
		if lex.weak[w] {
			weight *= weightWeak
		}
		total += weight
		held += weight * r.credit(stem)
	}
	if total == 0 {
		return 0, 0
	}
	return held / total, min(1, held/(2*p.idf(1)))
}

// credit returns how well the query holds a stem: 1 for itself, less for a related one, 0 for none.
func (r resolution) credit(stem string) float64 {
	best := 0.0
	for _, w := range r.words {
		switch {
		case w.stem == stem:
			return 1
		case akin(w.stem, stem):
			best = kinship
		}
	}
	return best
}
