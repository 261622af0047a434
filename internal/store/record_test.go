package store_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/store"
)

type inner struct {
	Key   string  `json:"key"`
	Ratio float64 `json:"ratio"`
}

type record struct {
	ID       string            `json:"id"`
	Empty    string            `json:"empty,omitempty"`
	Count    int64             `json:"count"`
	On       bool              `json:"on"`
	At       time.Time         `json:"at"`
	Never    time.Time         `json:"never,omitzero"`
	Bytes    []byte            `json:"bytes"`
	Raw      json.RawMessage   `json:"raw,omitempty"`
	List     []inner           `json:"list"`
	ByName   map[string]inner  `json:"by_name"`
	Labels   map[string]string `json:"labels,omitempty"`
	Optional *inner            `json:"optional"`
	Untagged string
}

func TestReadReturnsWhatRowWasGiven(t *testing.T) {
	full := record{ID: "agt_1", Count: 1<<53 + 1, On: true, At: time.Date(2026, 11, 23, 20, 0, 0, 123456000, time.UTC),
		Bytes: []byte{0, 255, 10}, Raw: json.RawMessage(`{"a":[1,2.50,null]}`), List: []inner{{"k", 0.1}, {}},
		ByName: map[string]inner{"pt-BR": {"<&>\u2028", -1e21}}, Labels: map[string]string{"": "\x00\"é"}, Optional: &inner{"x", 3}, Untagged: "y"}
	for name, want := range map[string]record{"everything": full, "nothing": {}, "empty, not nil": {List: []inner{}, ByName: map[string]inner{}, Bytes: []byte{}}} {
		it, err := store.Row("k#1", 1, want, want)
		if err != nil {
			t.Fatal(err)
		}
		var summary, data, standard record
		if err := it.Read(&summary, &data); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(it.Data, &standard); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(summary, standard) || !reflect.DeepEqual(data, standard) {
			t.Errorf("%s: read %+v and %+v; encoding/json reads %+v", name, summary, data, standard)
		}
	}
}

func TestReadTakesWhatALaterVersionAdded(t *testing.T) {
	var r record
	if err := (store.Item{SK: "k#1", Summary: json.RawMessage(`{"id":"agt_1","later":{"a":[1]},"list":null}`)}).Read(&r, nil); err != nil || r.ID != "agt_1" {
		t.Errorf("%+v, %v", r, err)
	}
	if err := (store.Item{SK: "k#1", Summary: json.RawMessage(`{"id":`)}).Read(&r, nil); err == nil {
		t.Error("half a summary was read")
	}
}
