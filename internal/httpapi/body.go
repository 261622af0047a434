package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// readBody reads the request's body within its limits and puts a copy of it, as JSON, in the request for Huma. The buffer goes back with
// putBuffer.
func (o *operation) readBody(r *http.Request) (*bytes.Buffer, error) {
	upload, boundary, err := o.mediaType(r)
	if err != nil {
		return nil, err
	}
	if r.ContentLength > o.options.MaxBody {
		return nil, errBodyTooLarge
	}
	b := buffers.Get().(*bytes.Buffer)
	// One byte more than allowed tells a body of the limit from a longer one.
	if _, err := b.ReadFrom(io.LimitReader(r.Body, o.options.MaxBody+1)); err != nil {
		putBuffer(b)
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, errBodyTooLarge
		}
		return nil, errMalformed // the caller stopped sending
	}
	if int64(b.Len()) > o.options.MaxBody {
		putBuffer(b)
		return nil, errBodyTooLarge
	}
	if upload {
		if err := fromMultipart(b, boundary); err != nil {
			putBuffer(b)
			return nil, err
		}
		r.Header.Set("Content-Type", typeJSON)
	}
	if b.Len() > 0 && !wellFormed(b.Bytes()) {
		putBuffer(b)
		return nil, errMalformed
	}
	r.Body = io.NopCloser(bytes.NewReader(b.Bytes()))
	return b, nil
}

// mediaType checks the Content-Type: JSON, what ends in +json, nothing at all, and multipart where the operation takes uploads.
func (o *operation) mediaType(r *http.Request) (upload bool, boundary string, err error) {
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return false, "", errWrongMediaType // RFC 9110 §15.5.16: compressed bodies are not taken
	}
	header := r.Header.Get("Content-Type")
	if header == "" || header == typeJSON {
		return false, "", nil
	}
	kind, params, err := mime.ParseMediaType(header)
	if err != nil {
		return false, "", errWrongMediaType
	}
	charset := strings.ToLower(params["charset"])
	switch {
	case kind == typeJSON && (charset == "" || charset == "utf-8"):
		// Huma looks the media type up as it stands.
		r.Header.Set("Content-Type", typeJSON)
		return false, "", nil
	case kind == "application/merge-patch+json" && r.Method == http.MethodPatch:
		r.Header.Set("Content-Type", typeJSON)
		return false, "", nil
	case kind == "multipart/form-data" && o.options.Upload && params["boundary"] != "":
		return true, params["boundary"], nil
	}
	return false, "", errWrongMediaType
}

// canonical returns the JSON of body without insignificant space and with sorted keys, so that two spellings of the same are the same.
// Numbers stay as they are written. The body is well-formed.
func canonical(body []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return body
	}
	var b bytes.Buffer
	if err := encode(&b, v); err != nil {
		return body
	}
	return b.Bytes()
}

// maxPart is the largest field of a form beside its file, in bytes.
const maxPart = 64 << 10

// fromMultipart replaces the multipart/form-data in b (RFC 7578) by the JSON that it stands for.
func fromMultipart(b *bytes.Buffer, boundary string) error {
	fields, err := formFields(b.Bytes(), boundary)
	if err != nil {
		return err
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return fmt.Errorf("httpapi: form: %w", err)
	}
	b.Reset()
	b.Write(text)
	return nil
}
