package httpapi

import (
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"
)

// Object is a JSON object that is sent as it was stored; its fields depend on what it belongs to.
type Object json.RawMessage

// MarshalJSON returns the object as it is, and null for an empty one.
func (o Object) MarshalJSON() ([]byte, error) { return json.RawMessage(o).MarshalJSON() }

// Schema says in the OpenAPI document that it is an object of any fields.
func (Object) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}
