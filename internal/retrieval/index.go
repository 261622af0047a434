package retrieval

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"sort"
)

// Passage is a passage of one of an agent's documents.
type Passage struct {
	DocumentID string
	PassageID  string // unique in the agent
	Heading    string
	Path       []string // the headings from the outermost to Heading
	Text       string
	Language   string // pt-BR or en
}

// Index is an inverted index of one agent's passages, a part for each language. It does not change after [Build] or
// [Index.UnmarshalBinary]; it may be searched concurrently.
type Index struct {
	passages []Passage
	lengths  []uint32 // of each passage, in weighted terms
	parts    [2]part  // by partOf
	bytes    int      // that its strings and postings take, about
}

// part is the index of the passages in one language. Terms of different languages never meet: "data" is a date in one
// and information in the other.
type part struct {
	language string
	count    int    // passages
	total    uint64 // of their lengths
	terms    []term // sorted by stem
}

// term is a stem with its postings: for each passage that holds it, in order, as unsigned varints, twice the distance from
// the one before, plus one if the weighted frequency follows; it is 1 where none does.
type term struct {
	stem     string
	found    int // passages that hold it
	postings string
}

// How much a word counts by where it stands. Words of outer headings say what a passage is about, but less exactly.
const (
	weightText    = 1
	weightHeading = 3
	weightPath    = 1
)

func partOf(language string) int {
	if known(language) == English {
		return 1
	}
	return 0
}

// Len returns the number of passages.
func (x *Index) Len() int { return len(x.passages) }

// Size returns about how many bytes of memory the index takes.
func (x *Index) Size() int {
	n := x.bytes + len(x.passages)*160
	for _, p := range x.parts {
		n += len(p.terms) * 40
	}
	return n
}

// growing is a term while an index is built.
type growing struct {
	last     int
	found    int
	postings []byte
}

// Build makes an index of the passages. It keeps their strings and does not change the slice. The order of the documents
// among the passages does not matter; that of the passages of a document is kept.
func Build(passages []Passage) *Index {
	x := &Index{passages: slices.Clone(passages), lengths: make([]uint32, len(passages))}
	slices.SortStableFunc(x.passages, func(a, b Passage) int { return cmp.Compare(a.DocumentID, b.DocumentID) })
	stemmers := [2]*stemmer{newStemmer(Portuguese), newStemmer(English)}
	var vocabulary [2]map[string]*growing
	for i := range vocabulary {
		vocabulary[i] = map[string]*growing{}
	}
	counts := map[string]uint32{}
	for i, p := range x.passages {
		n := partOf(p.Language)
		clear(counts)
		count(counts, stemmers[n], p.Text, weightText)
		count(counts, stemmers[n], p.Heading, weightHeading)
		for _, outer := range p.Path[:max(0, len(p.Path)-1)] {
			count(counts, stemmers[n], outer, weightPath)
		}
		for stem, tf := range counts {
			g := vocabulary[n][stem]
			if g == nil {
				g = &growing{}
				vocabulary[n][stem] = g
			}
			g.postings = appendPosting(g.postings, i-g.last, tf)
			g.last, g.found = i, g.found+1
			x.lengths[i] += tf
		}
		x.bytes += len(p.Text) + len(p.Heading) + len(p.PassageID)
	}
	for n := range vocabulary {
		x.parts[n].take(vocabulary[n])
	}
	x.finish()
	return x
}

func count(counts map[string]uint32, s *stemmer, text string, weight uint32) {
	lex := lexiconOf()
	for w := range plain(text) {
		if !lex.isFunction(w) {
			counts[s.stem(w)] += weight
		}
	}
}

// take makes the sorted terms of a vocabulary.
func (p *part) take(vocabulary map[string]*growing) {
	p.terms = make([]term, 0, len(vocabulary))
	for stem, g := range vocabulary {
		p.terms = append(p.terms, term{stem, g.found, string(g.postings)})
	}
	sort.Slice(p.terms, func(i, j int) bool { return p.terms[i].stem < p.terms[j].stem })
}

// finish sets what follows from the passages and the terms.
func (x *Index) finish() {
	x.parts[0].language, x.parts[1].language = Portuguese, English
	for i, p := range x.passages {
		part := &x.parts[partOf(p.Language)]
		part.count++
		part.total += uint64(x.lengths[i])
	}
	for _, p := range x.parts {
		for _, t := range p.terms {
			x.bytes += len(t.stem) + len(t.postings)
		}
	}
}

// find returns the term of a stem, if there is one.
func (p *part) find(stem string) (term, bool) {
	i := p.search(stem)
	if i < len(p.terms) && p.terms[i].stem == stem {
		return p.terms[i], true
	}
	return term{}, false
}

// search returns the first term that is not before the stem.
func (p *part) search(stem string) int {
	return sort.Search(len(p.terms), func(i int) bool { return p.terms[i].stem >= stem })
}

// idf is how telling a term is that so many of the part's passages hold: ln(1 + (N-n+½)/(n+½)), Robertson and Spärck
// Jones's weight kept positive.
func (p *part) idf(found int) float64 {
	return math.Log(1 + (float64(p.count-found)+0.5)/(float64(found)+0.5))
}

// each calls f with every passage that holds the term, and its weighted frequency there.
func (t term) each(f func(passage int, tf float64)) {
	passage := 0
	for rest := t.postings; rest != ""; {
		distance, tf, n := nextPosting(rest)
		if n == 0 {
			return // never: checked when decoded
		}
		passage, rest = passage+int(distance), rest[n:]
		f(passage, float64(tf))
	}
}

func appendPosting(b []byte, distance int, tf uint32) []byte {
	if tf == 1 {
		return binary.AppendUvarint(b, uint64(distance)<<1)
	}
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(distance)<<1|1), uint64(tf))
}

// nextPosting reads the posting at the front of s, which takes n bytes; 0 if there is none.
func nextPosting(s string) (distance, tf uint64, n int) {
	head, n := uvarint(s)
	if head&1 == 0 {
		return head >> 1, 1, n
	}
	tf, m := uvarint(s[n:])
	if m == 0 {
		return 0, 0, 0
	}
	return head >> 1, tf, n + m
}

// uvarint is binary.Uvarint on a string.
func uvarint(s string) (value uint64, n int) {
	for shift := 0; n < len(s) && n < binary.MaxVarintLen64; shift += 7 {
		b := s[n]
		n++
		value |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return value, n
		}
	}
	return 0, 0
}
