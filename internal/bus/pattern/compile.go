package pattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Limits of a pattern. AWS's own are 2,048 bytes by default and lower depths.
const (
	maxSize  = 64 << 10 // bytes
	maxDepth = 64       // of objects in objects
)

// Compile reads a pattern: one JSON object. Its errors wrap [ErrBad] and name the field.
func Compile(source []byte) (*Pattern, error) {
	if len(source) > maxSize {
		return nil, bad("", "over %d bytes", maxSize)
	}
	d := json.NewDecoder(bytes.NewReader(source))
	d.UseNumber()
	value, err := read(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, bad("", "something follows the object")
	}
	o, ok := value.(*object)
	if !ok {
		return nil, bad("", "not an object")
	}
	root, err := compileNode(o, nil)
	if err != nil {
		return nil, err
	}
	return &Pattern{root}, nil
}

func bad(where, format string, args ...any) error {
	if where != "" {
		where = " at " + where
	}
	return fmt.Errorf("pattern: %w%s: %s", ErrBad, where, fmt.Sprintf(format, args...))
}

// object is a JSON object with its fields in their order.
type object struct {
	names  []string
	values []any
}

// read returns the next JSON value: an *object, an []any, a string, a json.Number, a bool or null. Unlike Unmarshal it refuses
// a field that is there twice, of which AWS would silently drop one.
func read(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, bad("", "nested too deeply")
	}
	token, err := d.Token()
	if err != nil {
		return nil, bad("", "not JSON: %v", err)
	}
	switch t := token.(type) {
	case nil:
		return null{}, nil
	case json.Delim:
		if t == '{' {
			return readObject(d, depth)
		}
		return readArray(d, depth)
	default:
		return t, nil
	}
}

func readObject(d *json.Decoder, depth int) (any, error) {
	o := &object{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, bad("", "not JSON: %v", err)
		}
		name, ok := token.(string)
		if !ok {
			return nil, bad("", "not JSON")
		}
		if slices.Contains(o.names, name) {
			return nil, bad(name, "the field is there twice")
		}
		value, err := read(d, depth+1)
		if err != nil {
			return nil, err
		}
		o.names, o.values = append(o.names, name), append(o.values, value)
	}
	return o, closed(d)
}

func readArray(d *json.Decoder, depth int) (any, error) {
	list := []any{}
	for d.More() {
		value, err := read(d, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, closed(d)
}

func closed(d *json.Decoder) error {
	if _, err := d.Token(); err != nil {
		return bad("", "not JSON: %v", err)
	}
	return nil
}

// compileNode compiles an object of a pattern.
func compileNode(o *object, path []string) (node, error) {
	var n node
	if len(o.names) == 0 {
		return n, bad(strings.Join(path, "."), "an empty object")
	}
	for i, name := range o.names {
		if name == "$or" {
			alternatives, err := compileOr(o.values[i], path)
			if err != nil {
				return n, err
			}
			n.either = append(n.either, alternatives)
			continue
		}
		f, err := compileField(name, o.values[i], append(slices.Clip(path), name))
		if err != nil {
			return n, err
		}
		n.fields = append(n.fields, f)
	}
	return n, nil
}

func compileOr(value any, path []string) ([]node, error) {
	list, ok := value.([]any)
	if !ok || len(list) < 2 {
		return nil, bad(strings.Join(append(slices.Clip(path), "$or"), "."), "must be an array of at least two objects")
	}
	alternatives := make([]node, len(list))
	for i, element := range list {
		o, ok := element.(*object)
		if !ok {
			return nil, bad(strings.Join(append(slices.Clip(path), "$or"), "."), "must be an array of objects")
		}
		var err error
		if alternatives[i], err = compileNode(o, path); err != nil {
			return nil, err
		}
	}
	return alternatives, nil
}

func compileField(name string, value any, path []string) (field, error) {
	f := field{name: name, path: path}
	switch v := value.(type) {
	case *object:
		sub, err := compileNode(v, path)
		f.sub = &sub
		return f, err
	case []any:
		if len(v) == 0 {
			return f, bad(strings.Join(path, "."), "an empty array matches nothing")
		}
		for _, element := range v {
			m, err := compileMatcher(element)
			if err != nil {
				return f, bad(strings.Join(path, "."), "%v", err)
			}
			f.leaf = append(f.leaf, m)
		}
		return f, nil
	default:
		return f, bad(strings.Join(path, "."), "a value must be in an array")
	}
}
