package journey

import (
	"os"
	"testing"

	"github.com/nowgo/agents/tests/env"
)

func TestMain(m *testing.M) { os.Exit(env.Main(m)) }

func TestMonolith(t *testing.T) {
	p := StartMonolith(t, BuildMonolith(t), t.TempDir())
	t.Run("main job", func(t *testing.T) { Main(t, p.Deployment()) })
	t.Run("bad input", func(t *testing.T) { BadInput(t, p.Deployment()) })
	t.Run("people", func(t *testing.T) { People(t, p.Deployment()) })
	t.Run("sessions", func(t *testing.T) { Sessions(t, p.Deployment()) })
	t.Run("access", func(t *testing.T) { Access(t, p.Deployment()) })
	t.Run("machines", func(t *testing.T) { Machines(t, p.Deployment()) })
	t.Run("second factors", func(t *testing.T) { Factors(t, p.Deployment()) })
	if status := p.Stop(t); status != 0 {
		t.Errorf("ended with status %d: %s", status, p.Log())
	}
}
