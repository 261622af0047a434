package access

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"iter"
	"sync"

	"github.com/cedar-policy/cedar-go"

	"github.com/nowgo/agents/internal/route"
)

//go:embed policies/*.cedar
var embedded embed.FS

// policies are those that can apply to one operation: in the order of the files those that name it, then those that name none.
type policies struct {
	operation string
	public    bool   // it answers without a credential
	kind      string // of the things it is upon
	list      []named
	memo      sync.Map // question → Decision
}

type named struct {
	id     cedar.PolicyID
	policy *cedar.Policy
}

// All makes policies a cedar.PolicyIterator.
func (ps *policies) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, p := range ps.list {
			if !yield(p.id, p.policy) {
				return
			}
		}
	}
}

func (ps *policies) permits() bool {
	for _, p := range ps.list {
		if p.policy.Effect() == cedar.Permit {
			return true
		}
	}
	return false
}

// load parses every file and indexes the policies by the operations they name. Those that name none apply to all.
func load(files fs.FS) (map[string]*policies, error) {
	paths, err := fs.Glob(files, "policies/*.cedar")
	if err != nil {
		return nil, fmt.Errorf("access: %w", err)
	}
	index := map[string]*policies{}
	var general []named
	seen := map[cedar.PolicyID]bool{}
	for _, path := range paths {
		list, err := parse(files, path)
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			id := cedar.PolicyID(p.Annotations()["id"])
			if id == "" || seen[id] {
				return nil, fmt.Errorf("access: %s: policy at line %d has no @id of its own", path, p.Position().Line)
			}
			seen[id] = true
			actions, err := actionsOf(p)
			if err != nil {
				return nil, fmt.Errorf("access: %s: %s: %w", path, id, err)
			}
			if len(actions) == 0 {
				general = append(general, named{id, p})
			}
			for _, action := range actions {
				if index[action] == nil {
					row, _ := route.Find(action)
					index[action] = &policies{operation: action, public: row.Public, kind: kindOf(row)}
				}
				index[action].list = append(index[action].list, named{id, p})
			}
		}
	}
	for _, about := range index {
		about.list = append(about.list, general...)
	}
	return index, nil
}

func parse(files fs.FS, path string) (cedar.PolicyList, error) {
	text, err := fs.ReadFile(files, path)
	if err != nil {
		return nil, fmt.Errorf("access: %w", err)
	}
	list, err := cedar.NewPolicyListFromBytes(path, text)
	if err != nil {
		return nil, fmt.Errorf("access: %s: %w", path, err)
	}
	return list, nil
}

// actionsOf returns the actions that the policy's scope names, none where it is about all. It reads Cedar's JSON policy
// format, which is stable, where the syntax tree's Go types are not.
func actionsOf(p *cedar.Policy) ([]string, error) {
	type entity struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	}
	var scope struct {
		Action struct {
			Op       string   `json:"op"`
			Entity   *entity  `json:"entity"`
			Entities []entity `json:"entities"`
		} `json:"action"`
	}
	text, err := p.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	if err := json.Unmarshal(text, &scope); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	if scope.Action.Entity != nil {
		scope.Action.Entities = append(scope.Action.Entities, *scope.Action.Entity)
	}
	var actions []string
	for _, e := range scope.Action.Entities {
		if e.Type != "Action" {
			return nil, fmt.Errorf("the action scope names a %s", e.Type)
		}
		actions = append(actions, e.ID)
	}
	return actions, nil
}
