package identity_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/system"
)

func TestJWKSIsPublicAndNamedByThumbprint(t *testing.T) {
	document, err := identity.GenerateKeys(system.Real())
	if err != nil {
		t.Fatal(err)
	}
	ks, err := identity.ParseKeys(document)
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(ks.JWKS(), &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("%s, %v", ks.JWKS(), err)
	}
	k := set.Keys[0]
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + k["x"] + `"}`)) // RFC 7638 §3, RFC 8037 §2
	if want := base64.RawURLEncoding.EncodeToString(sum[:]); k["kid"] != want {
		t.Errorf("kid %q, want %q", k["kid"], want)
	}
	if k["alg"] != "EdDSA" || k["use"] != "sig" || k["d"] != "" || len(k) != 6 {
		t.Errorf("key %v", k)
	}
}

func TestDocumentsThatAreNotKeysAreRefused(t *testing.T) {
	document, err := identity.GenerateKeys(system.Real())
	if err != nil {
		t.Fatal(err)
	}
	ks, err := identity.ParseKeys(document)
	if err != nil {
		t.Fatal(err)
	}
	one := strings.TrimSuffix(strings.TrimPrefix(string(document), `{"keys":[`), "]}")
	for name, text := range map[string]string{
		"empty":       "",
		"not JSON":    "hello",
		"no keys":     `{"keys":[]}`,
		"truncated":   string(document[:len(document)/2]),
		"public only": string(ks.JWKS()),
		"symmetric":   `{"keys":[{"kty":"oct","k":"AAAA"}]}`,
		"X25519":      `{"keys":[{"kty":"OKP","crv":"X25519","x":"hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo","d":"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo"}]}`,
		"short key":   `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA","d":"AAAA"}]}`,
		"twice":       `{"keys":[` + one + "," + one + `]}`,
		"huge":        `{"keys":[` + one + strings.Repeat(" ", 1<<17) + `]}`,
	} {
		_, err := identity.ParseKeys([]byte(text))
		if !errors.Is(err, identity.ErrKeys) {
			t.Errorf("%s: %v, want ErrKeys", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%s: the error quotes the key: %v", name, err)
		}
	}
}

func TestKeyFileIsMadeOnceAndReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	var wg sync.WaitGroup
	var sets [4]string
	for i := range sets {
		wg.Go(func() {
			ks, err := identity.LoadKeyFile(path, system.Real())
			if err != nil {
				t.Error(err)
				return
			}
			sets[i] = string(ks.JWKS())
		})
	}
	wg.Wait()
	for _, s := range sets[1:] {
		if s != sets[0] {
			t.Error("two that started at once have different keys")
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
	if all, err := os.ReadDir(filepath.Dir(path)); err != nil || len(all) != 1 {
		t.Errorf("the folder holds %v, %v", all, err)
	}
}

func TestKeyFileThatIsNotFitSaysWhatToDo(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "keys.json")
	if _, err := identity.LoadKeyFile(path, system.Real()); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := identity.LoadKeyFile(path, system.Real()); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("readable by others: %v", err)
	}
	if err := errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, []byte(`{"keys":[{"kty"`), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := identity.LoadKeyFile(path, system.Real()); !errors.Is(err, identity.ErrKeys) || !strings.Contains(err.Error(), "restore") {
		t.Errorf("damaged: %v", err)
	}
	if _, err := identity.LoadKeyFile(folder, system.Real()); err == nil {
		t.Error("a folder was taken for a key file")
	}
	if _, err := identity.LoadKeyFile(filepath.Join(folder, "none", "keys.json"), system.Real()); err == nil {
		t.Error("no error where the folder is missing")
	}
}
