package bolt

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// Every byte of a record is covered by a checksum, or by the check of its length.
func TestRecordNoticesEveryFlippedBit(t *testing.T) {
	good := encode(store.Item{SK: "k", ParentSK: "p", ActorSK: "a", Schema: 1, ExpiresAt: time.Unix(1e9, 0), Summary: []byte(`"s"`),
		Data: []byte(`"d"`)})
	seal(good, 3)
	read := func(b []byte) error {
		r, err := decode(b)
		if err == nil {
			_, err = r.item("k", store.Main)
		}
		return err
	}
	if err := read(good); err != nil {
		t.Fatal(err)
	}
	for i := range len(good) * 8 {
		b := bytes.Clone(good)
		b[i/8] ^= 1 << (i % 8)
		if err := read(b); !errors.Is(err, ErrCorrupt) || !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("bit %d of byte %d: got %v", i%8, i/8, err)
		}
	}
	for n := range good {
		if err := read(good[:n]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("cut to %d bytes: got %v", n, err)
		}
	}
}

// FuzzRecord gives any bytes as an item's record.
func FuzzRecord(f *testing.F) {
	b := encode(store.Item{SK: "k", ParentSK: "p", ActorSK: "a", Schema: -1, Summary: []byte(`"s"`), Data: []byte(`"d"`)})
	seal(b, 3)
	f.Add(b)
	f.Add([]byte{})
	f.Add(make([]byte, recordHead))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decode(b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("got %v", err)
			}
			return
		}
		it, err := r.item("k", store.Main)
		if err != nil {
			return
		}
		again := encode(it)
		seal(again, r.version)
		if string(again) != string(b) && it.ExpiresAt.IsZero() == (b[21] == 0) && b[21] <= 1 {
			t.Fatalf("%x decodes and encodes to %x", b, again)
		}
	})
}

// FuzzKeys: keys of different items differ, and come apart into what they were made of.
func FuzzKeys(f *testing.F) {
	f.Add("cli_a", "k", "cli_ak", "")
	f.Add("a", "\x00b", "a\x00", "b")
	f.Fuzz(func(t *testing.T, client1, sk1, client2, sk2 string) {
		if store.CheckKey(tenant.ID(client1), sk1) != nil || store.CheckKey(tenant.ID(client2), sk2) != nil {
			return
		}
		one, two := itemKey(tenant.ID(client1), sk1), itemKey(tenant.ID(client2), sk2)
		if (string(one) == string(two)) != (client1 == client2 && sk1 == sk2) {
			t.Fatalf("%x and %x", one, two)
		}
		if c, sk, ok := splitItemKey(one); !ok || string(c) != client1 || sk != sk1 {
			t.Fatalf("%x comes apart into %q, %q", one, c, sk)
		}
		index := indexKey(tenant.ID(client1), sk2, sk1)
		if item, ok := ofIndexKey(index, 2+len(client1)); !ok || string(item) != string(one) {
			t.Fatalf("%x leads to %x", index, item)
		}
	})
}
