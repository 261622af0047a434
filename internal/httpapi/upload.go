package httpapi

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"path"
	"strings"
	"unicode/utf8"
)

// maxParts is how many parts a form may have.
const maxParts = 16

// formFields reads a form: the part `file` becomes name, content_type and content, each other part the text field of its name.
// A form that is broken, repeats a field or is not UTF-8 is malformed.
func formFields(form []byte, boundary string) (map[string]string, error) {
	fields := map[string]string{}
	var file *multipart.Part
	reader := multipart.NewReader(bytes.NewReader(form), boundary)
	for range maxParts {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			fileFields(fields, file)
			return fields, nil
		}
		if err != nil {
			return nil, errMalformed
		}
		value, err := io.ReadAll(part)
		if err != nil || !utf8.Valid(value) {
			return nil, errMalformed
		}
		name := part.FormName()
		if name == "file" {
			file, name = part, "content"
		} else if len(value) > maxPart {
			return nil, errMalformed
		}
		if _, twice := fields[name]; twice || name == "" {
			return nil, errMalformed
		}
		fields[name] = string(value)
	}
	return nil, errMalformed
}

// fileFields sets the name and type of a file. Those sent as fields of their own hold.
func fileFields(fields map[string]string, part *multipart.Part) {
	if part == nil {
		return
	}
	if _, ok := fields["name"]; !ok && part.FileName() != "" {
		// RFC 7578 §4.2: nothing but the last element of a path is used.
		fields["name"] = path.Base(strings.ReplaceAll(part.FileName(), `\`, "/"))
	}
	if _, ok := fields["content_type"]; ok {
		return
	}
	kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
	if err != nil || kind == "application/octet-stream" {
		// What a browser or curl sends when it does not know.
		kind = typeByName(fields["name"])
	}
	if kind != "" {
		fields["content_type"] = kind
	}
}

// typeByName is the media type that a file's name speaks for, of the kinds that the platform reads.
func typeByName(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".md", ".markdown":
		return "text/markdown"
	case ".txt", ".text":
		return "text/plain"
	default:
		return ""
	}
}
