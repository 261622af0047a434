// Package eventtest holds events against the catalog. It is for tests: functions do not link a schema validator.
package eventtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/events/schemas"
)

// ErrUnknownType is wrapped by the error of an event whose type is not in the catalog.
var ErrUnknownType = errors.New("eventtest: no such type in the catalog")

const urn = "urn:nowgo:event:"

// compiled is the schema of each type.
var compiled = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, name := range append([]string{"body"}, events.Types()...) {
		content, err := schemas.Files.ReadFile(name + ".json")
		if err != nil {
			return nil, fmt.Errorf("eventtest: schema of %s: %w", name, err)
		}
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
		if err != nil {
			return nil, fmt.Errorf("eventtest: schema of %s: %w", name, err)
		}
		if err := c.AddResource(urn+name, schema); err != nil {
			return nil, fmt.Errorf("eventtest: schema of %s: %w", name, err)
		}
	}
	types := map[string]*jsonschema.Schema{}
	for _, name := range events.Types() {
		schema, err := c.Compile(urn + name)
		if err != nil {
			return nil, fmt.Errorf("eventtest: %w", err)
		}
		types[name] = schema
	}
	return types, nil
})

// Validate returns nil where the body of an event, as it is published, is of a type of the catalog, meets the type's JSON Schema, and
// its change is exactly what the type's Go struct holds. Errors: [ErrUnknownType], and what is wrong with it.
func Validate(body []byte) error {
	types, err := compiled()
	if err != nil {
		return err
	}
	var head struct {
		Type   string          `json:"type"`
		Change json.RawMessage `json:"change"`
	}
	if err := json.Unmarshal(body, &head); err != nil {
		return fmt.Errorf("eventtest: %w", err)
	}
	schema, ok := types[head.Type]
	if !ok {
		return fmt.Errorf("%w: %q", ErrUnknownType, head.Type)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("eventtest: %w", err)
	}
	if err := schema.Validate(instance); err != nil {
		return fmt.Errorf("eventtest: %s: %w", head.Type, err)
	}
	return roundTrip(head.Type, head.Change)
}

// roundTrip reads a change into its type's struct and compares what the struct writes, as JSON values, with what was read.
func roundTrip(name string, change []byte) error {
	payload, err := events.Decode(name, change)
	if err != nil {
		return err
	}
	written, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("eventtest: %s: %w", name, err)
	}
	var before, after any
	if err := errors.Join(json.Unmarshal(change, &before), json.Unmarshal(written, &after)); err != nil {
		return fmt.Errorf("eventtest: %s: %w", name, err)
	}
	if !reflect.DeepEqual(before, after) {
		return fmt.Errorf("eventtest: %s: the change is %s, its Go type writes %s", name, change, written)
	}
	return nil
}
