// Package ndjson reads the compressed files that the archivist writes, wherever a deployment keeps them.
package ndjson

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Read returns the JSON values of a file compressed by gzip (RFC 1952).
func Read(file io.Reader) ([]json.RawMessage, error) {
	content, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("ndjson: %w", err)
	}
	var values []json.RawMessage
	for decoder := json.NewDecoder(content); ; {
		var value json.RawMessage
		if err := decoder.Decode(&value); errors.Is(err, io.EOF) {
			return values, nil
		} else if err != nil {
			return nil, fmt.Errorf("ndjson: %w", err)
		}
		values = append(values, value)
	}
}
