package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nowgo/agents/internal/route"
)

// Any stands for every method that a resource does not name.
const Any = "ANY"

// Greedy is the last part of a path that takes all that follows.
const Greedy = "{proxy+}"

// Resource is one path of the REST API with the methods it answers.
type Resource struct {
	Path    string // /v1/agents/{agent_id}/{proxy+}
	Methods []Method
}

// Method says which function answers a method, and whether the authorizer is asked first.
type Method struct {
	Verb       string // of HTTP, or Any
	Capability route.Capability
	Public     bool
}

// Resources makes as few API Gateway resources of the operations as the gateway's rules allow: where everything under a path
// is one capability's and asks for a credential, one greedy resource takes it; operations that are public, and those of another
// capability, have resources of their own, which the gateway prefers to a greedy one.
//
// A resource may have one variable child, so a greedy one and `{agent_id}` never stand beside each other. Operations that name
// one variable part in two ways, or that are there twice, are an error.
func Resources(operations []route.Operation) ([]Resource, error) {
	root := &node{children: map[string]*node{}}
	for _, o := range operations {
		if err := root.add(o); err != nil {
			return nil, err
		}
	}
	return root.resources("", nil), nil
}

// node is a part of a path, in a tree of them all.
type node struct {
	operations []route.Operation // on this path itself
	children   map[string]*node
	variable   string // the child that is a variable, if there is one
}

func (n *node) add(o route.Operation) error {
	at := n
	for part := range strings.SplitSeq(strings.TrimPrefix(o.Path, "/"), "/") {
		if strings.HasPrefix(part, "{") {
			if at.variable != "" && at.variable != part {
				return fmt.Errorf("infra: %s: the part %s is called %s elsewhere", o.Path, part, at.variable)
			}
			at.variable = part
		}
		if at.children[part] == nil {
			at.children[part] = &node{children: map[string]*node{}}
		}
		at = at.children[part]
	}
	for _, other := range at.operations {
		if other.Method == o.Method {
			return fmt.Errorf("infra: %s %s is there twice: %s and %s", o.Method, o.Path, other.ID, o.ID)
		}
	}
	at.operations = append(at.operations, o)
	return nil
}

// resources appends those of the node, whose path is given, and of all below it.
func (n *node) resources(path string, to []Resource) []Resource {
	if methods := n.methods(); len(methods) > 0 {
		to = append(to, Resource{Path: path, Methods: methods})
	}
	owner := n.owner()
	greedy := owner != "" && (n.variable == "" || n.children[n.variable].whollyOf(owner))
	taken := false
	for _, part := range slices.Sorted(maps.Keys(n.children)) {
		if child := n.children[part]; greedy && child.whollyOf(owner) {
			taken = true
		} else {
			to = child.resources(path+"/"+part, to)
		}
	}
	if taken {
		to = append(to, Resource{Path: path + "/" + Greedy, Methods: []Method{{Verb: Any, Capability: owner}}})
	}
	return to
}

// methods of the node's own path. One capability's function answers every method, so that it is the one to refuse those that it
// does not have; a public operation beside others that are not keeps a method of its own, without the authorizer.
func (n *node) methods() []Method {
	if len(n.operations) == 0 {
		return nil
	}
	first := n.operations[0]
	if !slices.ContainsFunc(n.operations, func(o route.Operation) bool {
		return o.Public != first.Public || o.Capability != first.Capability
	}) {
		return []Method{{Verb: Any, Capability: first.Capability, Public: first.Public}}
	}
	var methods []Method
	owner := n.owner()
	for _, o := range n.operations {
		if o.Public || owner == "" {
			methods = append(methods, Method{Verb: o.Method, Capability: o.Capability, Public: o.Public})
		}
	}
	if owner != "" {
		methods = append(methods, Method{Verb: Any, Capability: owner})
	}
	return methods
}

// owner is the one capability of the node's own operations, or, where it has none, of all below it; empty where there are several.
func (n *node) owner() route.Capability {
	operations := n.operations
	if len(operations) == 0 {
		operations = n.all(nil)
	}
	owner := operations[0].Capability
	for _, o := range operations {
		if o.Capability != owner {
			return ""
		}
	}
	return owner
}

// whollyOf reports whether every operation here and below is the capability's and asks for a credential.
func (n *node) whollyOf(c route.Capability) bool {
	return !slices.ContainsFunc(n.all(nil), func(o route.Operation) bool { return o.Public || o.Capability != c })
}

func (n *node) all(to []route.Operation) []route.Operation {
	to = append(to, n.operations...)
	for _, child := range n.children {
		to = child.all(to)
	}
	return to
}
