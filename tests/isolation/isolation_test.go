package isolation_test

import (
	"os"
	"testing"

	"github.com/nowgo/agents/tests/env"
	"github.com/nowgo/agents/tests/isolation"
	"github.com/nowgo/agents/tests/journey"
	"github.com/nowgo/agents/tests/stack"
)

func TestMain(m *testing.M) { os.Exit(env.Main(m)) }

func TestMonolith(t *testing.T) {
	p := journey.StartMonolith(t, journey.BuildMonolith(t), t.TempDir())
	isolation.Matrix(t, p.Deployment(), isolation.Roles())
}

// TestStack attacks the deployed functions. A call takes some 0.1 s there: those attack who can do most, each in a way of their own.
func TestStack(t *testing.T) {
	s := stack.Deploy(t)
	isolation.Matrix(t, journey.Deployment{URL: s.APIURL, AdminEmail: s.AdministratorEmail, AdminPassword: s.AdministratorPassword, Archived: s.Archived},
		isolation.Powerful())
}
