// Package settings reads a process's environment: what is missing or malformed is told all at once, in one line, before
// anything starts.
package settings

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Env collects the values of environment variables and what is wrong with them.
type Env struct {
	lookup func(string) (string, bool)
	bad    []string
}

// FromProcess reads the process's own environment.
func FromProcess() *Env { return &Env{lookup: os.LookupEnv} }

// From reads the given variables, for tests.
func From(vars map[string]string) *Env {
	return &Env{lookup: func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}}
}

// Required returns a variable that must be set and not empty.
func (e *Env) Required(name string) string {
	v, _ := e.lookup(name)
	if v == "" {
		e.bad = append(e.bad, name+" is not set")
	}
	return v
}

// Optional returns a variable, or the fallback where it is not set or empty.
func (e *Env) Optional(name, fallback string) string {
	if v, _ := e.lookup(name); v != "" {
		return v
	}
	return fallback
}

// Number returns a variable as a number, or the fallback where it is not set or empty.
func (e *Env) Number(name string, fallback float64) float64 {
	v, _ := e.lookup(name)
	if v == "" {
		return fallback
	}
	n, err := strconv.ParseFloat(v, 64)
	if err != nil {
		e.bad = append(e.bad, name+" is not a number")
	}
	return n
}

// Err says what is wrong, or is nil.
func (e *Env) Err() error {
	if len(e.bad) == 0 {
		return nil
	}
	return fmt.Errorf("environment: %s", strings.Join(e.bad, ", "))
}

// Fail prints err as one line on standard error and ends the process with status 2.
func Fail(err error) {
	fmt.Fprintln(os.Stderr, "nowgo: "+strings.ReplaceAll(err.Error(), "\n", "; "))
	os.Exit(2)
}
