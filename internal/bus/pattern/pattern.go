// Package pattern matches events against EventBridge's event patterns, so that a subscription is declared once and means
// the same in process and on AWS.
//
// The rules are those of the EventBridge User Guide, "Creating Amazon EventBridge event patterns" and "Comparison operators
// for use in event patterns". What they come to:
//
//   - Fields of a pattern are joined by and, values of a field by or; fields that the pattern does not name do not matter.
//   - An event's array matches where any of its elements does. The elements of an array of objects are matched one by one:
//     two fields of a pattern are never satisfied by two different elements.
//   - Strings and numbers are compared as they are written: 300, 300.0 and 3.0e2 differ. Only the numeric operator
//     compares by value.
//   - exists looks at leaves: a field that holds an object, or an empty array, does not exist.
//
// Where AWS takes an ill-formed $or as an ordinary field, this package refuses the pattern. It was written because the one
// kept-up matcher in Go (quamina) could not be had from the module proxy when the platform was begun.
package pattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ErrBad is wrapped by every error of [Compile].
var ErrBad = errors.New("bad event pattern")

// ErrNotEvent is wrapped by the errors of [Decode] and [Pattern.Match]: the event is not one JSON object.
var ErrNotEvent = errors.New("not an event")

// Pattern is a compiled event pattern. It may be used concurrently. Make it with [Compile].
type Pattern struct{ root node }

// Event is a decoded event, for matching one event against many patterns. Make it with [Decode].
type Event struct{ root map[string]any }

// Decode reads an event: one JSON object.
func Decode(event []byte) (Event, error) {
	d := json.NewDecoder(bytes.NewReader(event))
	d.UseNumber()
	var root map[string]any
	if err := d.Decode(&root); err != nil {
		return Event{}, fmt.Errorf("pattern: %w: %w", ErrNotEvent, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || root == nil {
		return Event{}, fmt.Errorf("pattern: %w: more, or less, than one object", ErrNotEvent)
	}
	for name, value := range root {
		root[name] = present(value)
	}
	return Event{root}, nil
}

// null is JSON's null in an event or a pattern; nil is what is not there.
type null struct{}

// present returns a decoded value with JSON's null, wherever it is in it, told from what is not there.
func present(value any) any {
	switch v := value.(type) {
	case nil:
		return null{}
	case []any:
		for i := range v {
			v[i] = present(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = present(v[name])
		}
	}
	return value
}

// Match reports whether the event, one JSON object, matches. It fails where the event is not that.
func (p *Pattern) Match(event []byte) (bool, error) {
	e, err := Decode(event)
	if err != nil {
		return false, err
	}
	return p.Matches(e), nil
}

// Matches reports whether a decoded event matches.
func (p *Pattern) Matches(e Event) bool { return p.root.matches(e.root, e.root) }

// node is one object of a pattern: all its fields must match and, of each of its $or lists, one alternative.
type node struct {
	fields []field
	either [][]node
}

// field is one name in a pattern: with a sub-pattern, or with the values of a leaf.
type field struct {
	name string
	sub  *node
	leaf []matcher
	path []string // from the root, for exists:false
}

// matches holds the pattern against an object of the event. Root is the whole event.
func (n node) matches(object, root map[string]any) bool {
	for _, f := range n.fields {
		if !f.matches(object[f.name], root) {
			return false
		}
	}
	for _, alternatives := range n.either {
		if !anyMatches(alternatives, object, root) {
			return false
		}
	}
	return true
}

func anyMatches(alternatives []node, object, root map[string]any) bool {
	for _, n := range alternatives {
		if n.matches(object, root) {
			return true
		}
	}
	return false
}

func (f field) matches(value any, root map[string]any) bool {
	if f.sub == nil {
		return f.matchesLeaf(value, root)
	}
	found := false
	eachObject(value, func(object map[string]any) bool {
		found = f.sub.matches(object, root)
		return found
	})
	// A sub-pattern can also be satisfied by what is not there at all: {"detail":{"error":[{"exists":false}]}}.
	return found || !holdsObject(value) && f.sub.matches(nil, root)
}

func (f field) matchesLeaf(value any, root map[string]any) bool {
	found := false
	present := eachLeaf(value, func(leaf any) bool {
		found = found || f.matchesOne(leaf)
		return found
	})
	if found || present {
		return found
	}
	for _, m := range f.leaf {
		if _, ok := m.(absent); ok {
			return !exists(root, f.path)
		}
	}
	return false
}

func (f field) matchesOne(leaf any) bool {
	for _, m := range f.leaf {
		if m.matches(leaf) {
			return true
		}
	}
	return false
}

// eachLeaf calls do with the scalars of a value, those in arrays one by one, until it returns true. It reports whether there
// were any.
func eachLeaf(value any, do func(any) bool) bool {
	present := false
	walk(value, func(v any) bool {
		if _, ok := v.(map[string]any); ok {
			return false
		}
		present = true
		return do(v)
	})
	return present
}

// eachObject calls do with the objects of a value, those in arrays one by one, until it returns true.
func eachObject(value any, do func(map[string]any) bool) {
	walk(value, func(v any) bool {
		object, ok := v.(map[string]any)
		return ok && do(object)
	})
}

func holdsObject(value any) bool {
	found := false
	eachObject(value, func(map[string]any) bool { found = true; return true })
	return found
}

// walk calls do with a value, or with the elements of an array and of the arrays in it, until do returns true.
func walk(value any, do func(any) bool) bool {
	switch v := value.(type) {
	case nil: // a field that is not there
		return false
	case []any:
		for _, element := range v {
			if walk(element, do) {
				return true
			}
		}
		return false
	default:
		return do(v)
	}
}

// exists reports whether the event has a leaf at path, in whichever elements of the arrays on the way.
func exists(object map[string]any, path []string) bool {
	value := object[path[0]]
	if len(path) == 1 {
		return eachLeaf(value, func(any) bool { return true })
	}
	found := false
	eachObject(value, func(inner map[string]any) bool {
		found = exists(inner, path[1:])
		return found
	})
	return found
}
