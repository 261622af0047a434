package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
)

// matcher is one value of a leaf. Leaf is a string, a json.Number, a bool or null.
type matcher interface{ matches(leaf any) bool }

// exact compares scalars as they are written.
type exact struct{ want any }

func (m exact) matches(leaf any) bool { return leaf == m.want }

// text is a condition upon strings; other leaves do not meet it.
type text func(string) bool

func (m text) matches(leaf any) bool {
	s, ok := leaf.(string)
	return ok && m(s)
}

// anythingBut is met by every leaf that meets none of its conditions.
type anythingBut []matcher

func (m anythingBut) matches(leaf any) bool {
	for _, but := range m {
		if but.matches(leaf) {
			return false
		}
	}
	return true
}

// there is {"exists":true}; absent is {"exists":false}, which no leaf meets: the field's own matching looks for it.
type (
	there  struct{}
	absent struct{}
)

func (there) matches(any) bool  { return true }
func (absent) matches(any) bool { return false }

// numeric compares numbers by value.
type numeric []func(float64) bool

func (m numeric) matches(leaf any) bool {
	n, ok := leaf.(json.Number)
	if !ok {
		return false
	}
	v, err := n.Float64()
	if err != nil || v < -numericBound || v > numericBound {
		return false
	}
	for _, holds := range m {
		if !holds(v) {
			return false
		}
	}
	return true
}

// numericBound is how large the numbers of the numeric operator may be, on both sides of zero.
const numericBound = 5e9

// compileMatcher compiles one element of a leaf's array.
func compileMatcher(value any) (matcher, error) {
	switch v := value.(type) {
	case string, json.Number, bool, null:
		return exact{v}, nil
	case *object:
		if len(v.names) != 1 {
			return nil, errors.New("a comparison has exactly one operator")
		}
		return compileOperator(v.names[0], v.values[0])
	default:
		return nil, errors.New("an array within the array of values")
	}
}

func compileOperator(name string, value any) (matcher, error) {
	switch name {
	case "prefix", "suffix":
		return compileAffix(name, value)
	case "equals-ignore-case", "wildcard":
		s, ok := value.(string)
		if !ok {
			return nil, fmt.Errorf("%s takes a string", name)
		}
		return compileText(name, s)
	case "exists":
		b, ok := value.(bool)
		if !ok {
			return nil, errors.New("exists takes true or false")
		}
		if b {
			return there{}, nil
		}
		return absent{}, nil
	case "cidr":
		return compileCIDR(value)
	case "numeric":
		return compileNumeric(value)
	case "anything-but":
		return compileAnythingBut(value)
	default:
		return nil, fmt.Errorf("no operator %q", name)
	}
}

func compileCIDR(value any) (matcher, error) {
	s, ok := value.(string)
	if !ok {
		return nil, errors.New("cidr takes a string")
	}
	network, err := netip.ParsePrefix(s)
	if err != nil {
		return nil, fmt.Errorf("cidr: %w", err)
	}
	return text(func(s string) bool {
		address, err := netip.ParseAddr(s)
		return err == nil && network.Contains(address)
	}), nil
}

// compileNumeric compiles ["=", n], one bound, or a lower bound and then an upper one.
func compileNumeric(value any) (matcher, error) {
	list, ok := value.([]any)
	if !ok || len(list) != 2 && len(list) != 4 {
		return nil, errors.New("numeric takes an operator and a number, or two of each")
	}
	low, firstOp, m, err := compileBound(list[0], list[1])
	if err != nil || len(list) == 2 {
		return numeric{m}, err
	}
	high, secondOp, n, err := compileBound(list[2], list[3])
	if err != nil {
		return nil, err
	}
	if firstOp[0] != '>' || secondOp[0] != '<' || low >= high {
		return nil, errors.New("numeric: a range is a lower bound and then a higher upper bound")
	}
	return numeric{m, n}, nil
}

func compileBound(op, bound any) (float64, string, func(float64) bool, error) {
	n, ok := bound.(json.Number)
	if !ok {
		return 0, "", nil, errors.New("numeric: the bound is not a number")
	}
	b, err := strconv.ParseFloat(n.String(), 64)
	if err != nil || b < -numericBound || b > numericBound {
		return 0, "", nil, errors.New("numeric: the bound is out of range")
	}
	switch op {
	case "=":
		return b, "=", func(v float64) bool { return v == b }, nil
	case "<":
		return b, "<", func(v float64) bool { return v < b }, nil
	case "<=":
		return b, "<=", func(v float64) bool { return v <= b }, nil
	case ">":
		return b, ">", func(v float64) bool { return v > b }, nil
	case ">=":
		return b, ">=", func(v float64) bool { return v >= b }, nil
	default:
		return 0, "", nil, errors.New("numeric: no such operator")
	}
}

// compileAnythingBut compiles a string, a number, a list of strings or of numbers, or prefix, suffix, equals-ignore-case or
// wildcard of a string or a list of strings.
func compileAnythingBut(value any) (matcher, error) {
	if o, ok := value.(*object); ok {
		return compileAnythingButText(o)
	}
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	var m anythingBut
	texts := 0
	for _, v := range list {
		switch v.(type) {
		case string:
			texts++
		case json.Number:
		default:
			return nil, errors.New("anything-but takes strings or numbers")
		}
		m = append(m, exact{v})
	}
	if len(m) == 0 || texts != 0 && texts != len(m) {
		return nil, errors.New("anything-but takes a list of strings alone or of numbers alone")
	}
	return m, nil
}

func compileAnythingButText(o *object) (matcher, error) {
	if len(o.names) != 1 {
		return nil, errors.New("anything-but takes one operator")
	}
	name := o.names[0]
	if name != "prefix" && name != "suffix" && name != "equals-ignore-case" && name != "wildcard" {
		return nil, fmt.Errorf("anything-but does not take %q", name)
	}
	list, ok := o.values[0].([]any)
	if !ok {
		list = []any{o.values[0]}
	}
	var m anythingBut
	for _, v := range list {
		s, ok := v.(string)
		if !ok || s == "" {
			return nil, fmt.Errorf("anything-but: %s takes strings that are not empty", name)
		}
		t, err := compileText(name, s)
		if err != nil {
			return nil, err
		}
		m = append(m, t)
	}
	if len(m) == 0 {
		return nil, fmt.Errorf("anything-but: %s takes at least one string", name)
	}
	return m, nil
}
