package store

import (
	"encoding/json"
	"fmt"

	jsonv2 "github.com/go-json-experiment/json"
)

// Row returns an item with the given key whose Summary and Data are the JSON of summary and data; a nil one is left empty.
// The caller sets index keys and expiry.
func Row(sk string, schema int, summary, data any) (Item, error) {
	it := Item{SK: sk, Schema: schema}
	var err error
	if summary != nil {
		if it.Summary, err = json.Marshal(summary); err != nil {
			return Item{}, fmt.Errorf("store: summary of %q: %w", sk, err)
		}
	}
	if data != nil {
		if it.Data, err = json.Marshal(data); err != nil {
			return Item{}, fmt.Errorf("store: data of %q: %w", sk, err)
		}
	}
	return it, nil
}

// Read decodes the item's Summary and Data into the given pointers; a nil pointer or an empty part is passed over. It reads what
// encoding/json wrote with that package's successor, which takes a third of the time: a read by id is half decoding.
func (it Item) Read(summary, data any) error {
	if summary != nil && len(it.Summary) > 0 {
		if err := jsonv2.Unmarshal(it.Summary, summary); err != nil {
			return fmt.Errorf("store: summary of %q: %w", it.SK, err)
		}
	}
	if data != nil && len(it.Data) > 0 {
		if err := jsonv2.Unmarshal(it.Data, data); err != nil {
			return fmt.Errorf("store: data of %q: %w", it.SK, err)
		}
	}
	return nil
}
