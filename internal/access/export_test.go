package access

import (
	"github.com/cedar-policy/cedar-go"

	"github.com/nowgo/agents/internal/tenant"
)

// Questions returns how many questions are remembered.
func (d *Decider) Questions() (n int) {
	for _, about := range d.index {
		about.memo.Range(func(any, any) bool {
			n++
			return true
		})
	}
	return n
}

// Request returns what Cedar is asked; false where it is not asked at all.
func (d *Decider) Request(p tenant.Principal, operation string, r Resource) (cedar.EntityMap, cedar.Request, bool) {
	about, ok := d.index[operation]
	if !ok {
		return nil, cedar.Request{}, false
	}
	q, ok := about.ask(p, r)
	if !ok {
		return nil, cedar.Request{}, false
	}
	entities, request := about.request(q)
	return entities, request, true
}

// From is New with other files, and Files are the embedded ones.
var (
	From  = from
	Files = embedded
)

// Policies returns the ids of the policies that are asked about an operation.
func (d *Decider) Policies(operation string) (ids []cedar.PolicyID) {
	if about, ok := d.index[operation]; ok {
		for id := range about.All() {
			ids = append(ids, id)
		}
	}
	return ids
}
