package settings

import (
	"strings"
	"testing"
)

func TestEverythingMissingIsToldAtOnce(t *testing.T) {
	e := From(map[string]string{"A": "1", "EMPTY": ""})
	if e.Required("A") != "1" || e.Optional("A", "x") != "1" || e.Optional("B", "x") != "x" || e.Optional("EMPTY", "x") != "x" {
		t.Error("values")
	}
	if e.Err() != nil {
		t.Errorf("nothing is missing yet: %v", e.Err())
	}
	e.Required("B")
	e.Required("EMPTY")
	if err := e.Err(); err == nil || !strings.Contains(err.Error(), "B is not set") || !strings.Contains(err.Error(), "EMPTY is not set") ||
		strings.Contains(err.Error(), "\n") {
		t.Errorf("err: %v", err)
	}
}
