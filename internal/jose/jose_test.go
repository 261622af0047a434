package jose_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"testing"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"

	"github.com/nowgo/agents/internal/jose"
)

var private = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

// theirs is the key as the library has it.
func theirs(t *testing.T) jwk.Key {
	t.Helper()
	k, err := jwk.Import(private)
	if err != nil {
		t.Fatal(err)
	}
	if err := jwk.AssignKeyID(k); err != nil {
		t.Fatal(err)
	}
	return k
}

func TestASignatureIsTheLibrarysByteForByte(t *testing.T) {
	payload := []byte(`{"client_id":"cli_azul","empty":""}`)
	header := jws.NewHeaders()
	if err := header.Set(jws.TypeKey, `a <"type">`); err != nil {
		t.Fatal(err)
	}
	want, err := jws.Sign(payload, jws.WithKey(jwa.EdDSA(), theirs(t), jws.WithProtectedHeaders(header)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := jose.Sign(private, `a <"type">`, payload)
	if err != nil || got != string(want) {
		t.Errorf("%v\n%s\n%s", err, got, want)
	}
}

func TestASetIsTheLibrarys(t *testing.T) {
	public, err := jwk.PublicKeyOf(theirs(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{jwk.AlgorithmKey: jwa.EdDSA(), jwk.KeyUsageKey: jwk.ForSignature} {
		if err := public.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	set := jwk.NewSet()
	if err := set.AddKey(public); err != nil {
		t.Fatal(err)
	}
	document, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := private.Public().(ed25519.PublicKey)
	got, err := jose.Set(key)
	if err != nil || sorted(t, got) != sorted(t, document) {
		t.Errorf("%v\n%s\n%s", err, got, document)
	}
}

// sorted is the document with the members of each object in order.
func sorted(t *testing.T, document []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(document, &v); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(again)
}
