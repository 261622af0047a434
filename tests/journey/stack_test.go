package journey

import (
	"testing"

	"github.com/nowgo/agents/tests/stack"
)

// TestStack runs the same against the whole CDK app, deployed to the emulator.
func TestStack(t *testing.T) {
	s := stack.Deploy(t)
	d := Deployment{URL: s.APIURL, AdminEmail: s.AdministratorEmail, AdminPassword: s.AdministratorPassword,
		Archived: s.Archived}
	t.Run("main job", func(t *testing.T) { Main(t, d) })
	t.Run("bad input", func(t *testing.T) { BadInput(t, d) })
	t.Run("people", func(t *testing.T) { People(t, d) })
	t.Run("sessions", func(t *testing.T) { Sessions(t, d) })
	t.Run("access", func(t *testing.T) { Access(t, d) })
	t.Run("machines", func(t *testing.T) { Machines(t, d) })
	t.Run("second factors", func(t *testing.T) { Factors(t, d) })
}
