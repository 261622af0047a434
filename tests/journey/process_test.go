package journey

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// refusedStart runs the binary, which must not start, and returns its status and what it said.
func refusedStart(t *testing.T, binary, folder string, vars ...string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = append(os.Environ(), append([]string{"NOWGO_ADDR=127.0.0.1:0", "NOWGO_DATA=" + folder, "NOWGO_ADMIN_EMAIL=" + adminEmail,
		"NOWGO_ADMIN_PASSWORD=" + adminPassword}, vars...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("it started, or did not run: %v", err)
	}
	return exit.ExitCode(), stderr.String()
}

func TestProcess(t *testing.T) {
	binary := BuildMonolith(t)
	folder := t.TempDir()
	p := StartMonolith(t, binary, folder)
	d := p.Deployment()
	c := onboard(t, d, "Loja Azul", "loja-azul")
	profile := c.admin.Must(201, "POST", "/v1/profiles", object{"name": "Loja", "industry": "retail", "size": object{"employees": 2}}).Text("id")

	oneLine := func(t *testing.T, status int, said string, wants ...string) {
		t.Helper()
		if status != 2 || strings.Count(said, "\n") != 1 || strings.Contains(said, "panic") || strings.Contains(said, "goroutine") {
			t.Errorf("status %d: %s", status, said)
		}
		for _, want := range wants {
			if !strings.Contains(said, want) {
				t.Errorf("no %q in %q", want, said)
			}
		}
	}
	t.Run("a second process on the same file", func(t *testing.T) {
		status, said := refusedStart(t, binary, folder)
		oneLine(t, status, said, "nowgo.db")
	})
	t.Run("a port in use", func(t *testing.T) {
		status, said := refusedStart(t, binary, t.TempDir(), "NOWGO_ADDR="+strings.TrimPrefix(d.URL, "http://"))
		oneLine(t, status, said, "NOWGO_ADDR")
	})
	t.Run("a data folder that is a file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "data")
		write(t, file, []byte("x"), 0o600)
		status, said := refusedStart(t, binary, file)
		oneLine(t, status, said, "NOWGO_DATA")
	})
	t.Run("an administrator without an address", func(t *testing.T) {
		status, said := refusedStart(t, binary, t.TempDir(), "NOWGO_ADMIN_EMAIL=nobody")
		oneLine(t, status, said, "NOWGO_ADMIN_EMAIL")
	})
	if status := p.Stop(t); status != 0 {
		t.Fatalf("SIGTERM: status %d: %s", status, p.Log())
	}
	t.Run("a foreign file", func(t *testing.T) { spoiled(t, binary, folder, "nowgo.db", []byte("this is no table"), 0o600, oneLine) })
	t.Run("a truncated file", func(t *testing.T) {
		content, err := os.ReadFile(filepath.Join(folder, "nowgo.db"))
		if err != nil {
			t.Fatal(err)
		}
		spoiled(t, binary, folder, "nowgo.db", content[:20<<10], 0o600, oneLine)
	})
	t.Run("corrupt keys", func(t *testing.T) {
		spoiled(t, binary, folder, "signing-keys.json", []byte(`{"keys":[]}`), 0o600, oneLine)
	})
	t.Run("a secret that others can read", func(t *testing.T) {
		spoiled(t, binary, folder, "platform-secret", []byte(strings.Repeat("x", 43)), 0o644, oneLine)
	})

	again := StartMonolith(t, binary, folder)
	t.Run("a second start finds everything", func(t *testing.T) {
		root := again.Deployment().As(t, c.admin.token)
		root.Must(200, "GET", "/v1/profiles/"+profile, nil)
		signIn(t, again.Deployment(), c.email, password)
		if strings.Contains(again.Out, "made now") {
			t.Errorf("a second administrator: %s", again.Out)
		}
	})
	t.Run("no secret in the log", func(t *testing.T) {
		for _, secret := range []string{password, adminPassword, c.admin.token, c.email} {
			if strings.Contains(p.Log()+again.Log(), secret) {
				t.Errorf("the log holds %.8s…", secret)
			}
		}
		if !strings.Contains(again.Log(), `"client_id":"`+c.id+`"`) || !strings.Contains(again.Log(), `"request_id"`) {
			t.Error("the log names neither client nor request")
		}
	})
	t.Run("events outlive a kill", func(t *testing.T) {
		client := signIn(t, again.Deployment(), c.email, password)
		client.Must(201, "POST", "/v1/profiles", object{"name": "Last", "industry": "retail", "size": object{"employees": 2}})
		again.kill()
		third := StartMonolith(t, binary, folder)
		c.d, c.admin = third.Deployment(), third.Deployment().As(t, client.token)
		onTheBus(t, c, inTrail(t, c, []step{{"client.created", "client", c.id}, {"profile.created", "profile", ""},
			{"profile.created", "profile", ""}}))
	})
}

// spoiled puts other content in a file's place, sees the start refused and the file untouched, and puts it back.
func spoiled(t *testing.T, binary, folder, name string, content []byte, mode os.FileMode,
	oneLine func(*testing.T, int, string, ...string),
) {
	path := filepath.Join(folder, name)
	original, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, content, mode)
	status, said := refusedStart(t, binary, folder)
	oneLine(t, status, said, name)
	if now, err := os.ReadFile(path); err != nil || string(now) != string(content) {
		t.Errorf("the file was touched: %v", err)
	}
	write(t, path, original, 0o600)
}

func write(t *testing.T, path string, content []byte, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, content, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestAPasswordIsMadeAndShownOnce(t *testing.T) {
	binary, folder := BuildMonolith(t), t.TempDir()
	p := StartMonolith(t, binary, folder, "NOWGO_ADMIN_PASSWORD=")
	_, rest, found := strings.Cut(p.Out, "shown this once)")
	if !found {
		t.Fatalf("no password in %s", p.Out)
	}
	made := strings.Fields(rest)[0]
	signIn(t, p.Deployment(), adminEmail, made)
	if strings.Count(p.Out, made) != 1 || strings.Contains(p.Log(), made) {
		t.Errorf("the password is shown more than once: %s", p.Out)
	}
	if status := p.Stop(t); status != 0 {
		t.Errorf("status %d", status)
	}
	if again := StartMonolith(t, binary, folder, "NOWGO_ADMIN_PASSWORD="); strings.Contains(again.Out, "shown this once") {
		t.Errorf("a second start made another password: %s", again.Out)
	}
}
