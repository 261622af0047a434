package httpapi_test

import (
	"encoding/json"
	"strings"
	"testing"
)

const documents = "/v1/agents/agt_x/documents"

// form joins parts, each a header block and a value, with the boundary b.
func form(parts ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(parts); i += 2 {
		b.WriteString("--b\r\n" + parts[i] + "\r\n\r\n" + parts[i+1] + "\r\n")
	}
	return b.String() + "--b--\r\n"
}

const (
	filePart = "Content-Disposition: form-data; name=\"file\"; filename=\"faq.md\"\r\nContent-Type: application/octet-stream"
	namePart = `Content-Disposition: form-data; name="name"`
)

func TestUploads(t *testing.T) {
	p := start(t)
	cases := map[string]struct {
		body string
		want uploadBody
	}{
		"a file":                         {form(filePart, "# Olá"), uploadBody{"faq.md", "text/markdown", "# Olá"}},
		"a file with a name beside it":   {form(filePart, "x", namePart, "other.txt"), uploadBody{"other.txt", "text/plain", "x"}},
		"a name before its file":         {form(namePart, "other.txt", filePart, "x"), uploadBody{"other.txt", "text/plain", "x"}},
		"a type of its own":              {form("Content-Disposition: form-data; name=\"file\"; filename=\"a.md\"\r\nContent-Type: text/plain; charset=utf-8", "x"), uploadBody{"a.md", "text/plain", "x"}},
		"a path is cut to its last part": {form("Content-Disposition: form-data; name=\"file\"; filename=\"../../etc/passwd.txt\"", "x"), uploadBody{"passwd.txt", "text/plain", "x"}},
		"a content of two megabytes":     {form(filePart, strings.Repeat("a", 2<<20)), uploadBody{"faq.md", "text/markdown", strings.Repeat("a", 2<<20)}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := p.do(t, "ana", "POST", documents, c.body, "Content-Type", "multipart/form-data; boundary=b")
			var u uploadBody
			if err := json.Unmarshal(got.body, &u); err != nil || got.StatusCode != 200 || u != c.want {
				t.Errorf("%d %.300s, %v", got.StatusCode, got.body, err)
			}
		})
	}
}

func TestBadUploads(t *testing.T) {
	p := start(t)
	cases := map[string]struct {
		body   string
		status int
		code   string
	}{
		"no file":                {form(namePart, "x"), 422, "validation_failed"},
		"two files":              {form(filePart, "a", filePart, "b"), 400, "malformed_body"},
		"a content twice":        {form(filePart, "a", `Content-Disposition: form-data; name="content"`, "b"), 400, "malformed_body"},
		"an unknown field":       {form(filePart, "a", `Content-Disposition: form-data; name="color"`, "b"), 422, "validation_failed"},
		"a part without name":    {form(filePart, "a", "Content-Type: text/plain", "b"), 400, "malformed_body"},
		"a file that is no text": {form(filePart, "\xff\xfe"), 400, "malformed_body"},
		"cut off":                {"--b\r\n" + filePart + "\r\n\r\nabc", 400, "malformed_body"},
		"nothing":                {"", 422, "validation_failed"},
		"another boundary":       {strings.ReplaceAll(form(filePart, "a"), "--b", "--c"), 422, "validation_failed"},
		"too many parts":         {form(strings.Split(strings.Repeat(namePart+"|x|", 40)+namePart, "|")...), 400, "malformed_body"},
		"too large":              {form(filePart, strings.Repeat("a", 5<<20)), 413, "body_too_large"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := p.do(t, "ana", "POST", documents, c.body, "Content-Type", "multipart/form-data; boundary=b")
			if pr := got.problem(t); pr.Status != c.status || pr.Code != c.code {
				t.Errorf("got %s", got.body)
			}
		})
	}
}

// The boundary of a form is random: a repetition has another one and is still the same request.
func TestUploadIsRepeatable(t *testing.T) {
	p := start(t)
	a := p.do(t, "ana", "POST", documents, form(filePart, "x"), "Content-Type", "multipart/form-data; boundary=b", "Idempotency-Key", "k")
	b := p.do(t, "ana", "POST", documents, strings.ReplaceAll(form(filePart, "x"), "--b", "--zz"), "Content-Type", "multipart/form-data; boundary=zz", "Idempotency-Key", "k")
	if a.StatusCode != 200 {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	sameAnswer(t, a, b)
}
