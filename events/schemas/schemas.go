// Package schemas holds the JSON Schemas (draft 2020-12) of the event catalog: `body.json`, what every event's body carries, and
// `<type>.json` for each type, which refers to it. Their ids are `urn:nowgo:event:body` and `urn:nowgo:event:<type>`.
//
// They are closed: a field that is not in them is refused. And no text in them is free: each is an enumeration or has a pattern,
// so that personal data has nowhere to go. A test of package eventtest holds both.
package schemas

import "embed"

// Files are the schemas.
//
//go:embed *.json
var Files embed.FS
