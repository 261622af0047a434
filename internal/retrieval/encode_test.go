package retrieval_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nowgo/agents/internal/retrieval"
)

func encode(t testing.TB, x *retrieval.Index) []byte {
	t.Helper()
	data, err := x.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAnEncodedIndexFindsTheSame(t *testing.T) {
	for name, passages := range map[string][]retrieval.Passage{"a shop": shop, "nothing": nil, "a passage of nothing": {{}}} {
		t.Run(name, func(t *testing.T) {
			x := retrieval.Build(passages)
			data := encode(t, x)
			var y retrieval.Index
			if err := y.UnmarshalBinary(data); err != nil {
				t.Fatal(err)
			}
			for _, q := range []string{"frete", "do you accept pix", "prazo de devolução", "R$ 14,90"} {
				if d := cmp.Diff(x.Search(q, "", 9), y.Search(q, "", 9)); d != "" {
					t.Error(d)
				}
			}
			if d := cmp.Diff(data, encode(t, &y)); d != "" || y.Size() != x.Size() {
				t.Errorf("%d and %d bytes: %s", x.Size(), y.Size(), d)
			}
		})
	}
}

func TestCorruptIndexesAreRefused(t *testing.T) {
	data := encode(t, retrieval.Build(shop))
	bad := map[string][]byte{"nothing": nil, "text": []byte("hello, world"), "one byte more": append(append([]byte{}, data...), 0)}
	for i := range data {
		flipped := append([]byte{}, data...)
		flipped[i] ^= 0x10
		bad[fmt.Sprintf("byte %d changed", i)] = flipped
		bad[fmt.Sprintf("cut at %d", i)] = data[:i]
	}
	for name, b := range bad {
		var x retrieval.Index
		if err := x.UnmarshalBinary(b); !errors.Is(err, retrieval.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
		if x.Len() != 0 {
			t.Errorf("%s: changed the index", name)
		}
	}
}

func TestAnIndexIsSmall(t *testing.T) {
	var passages []retrieval.Passage
	text := 0
	for _, name := range []string{"faq-pt.md", "faq-en.md"} {
		content, err := os.ReadFile("../../tests/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		sections, err := retrieval.Split("text/markdown", content)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range sections {
			passages = append(passages, retrieval.Passage{DocumentID: name, PassageID: fmt.Sprint(name, "-", i), Heading: s.Heading, Path: s.Path, Text: s.Text, Language: s.Language})
		}
		text += len(content)
	}
	size := len(encode(t, retrieval.Build(passages)))
	t.Logf("%d bytes of documents, %d of index with their text: %.2f×", text, size, float64(size)/float64(text))
	if size >= 2*text {
		t.Errorf("%d bytes for %d of text", size, text)
	}
}

// sealed gives bytes the checksum that they need to be read further.
func sealed(body []byte) []byte {
	return binary.BigEndian.AppendUint32(append([]byte{}, body...), crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
}

func FuzzUnmarshal(f *testing.F) {
	for _, passages := range [][]retrieval.Passage{shop, nil, {{}}} {
		data := encode(f, retrieval.Build(passages))
		f.Add(data[:len(data)-4], "frete pix")
	}
	f.Fuzz(func(t *testing.T, body []byte, query string) {
		var x retrieval.Index
		if err := x.UnmarshalBinary(sealed(body)); err != nil {
			if !errors.Is(err, retrieval.ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		x.Search(query, "", 5)
		var y retrieval.Index
		if err := y.UnmarshalBinary(encode(t, &x)); err != nil {
			t.Fatalf("what was read does not encode: %v", err)
		}
	})
}
