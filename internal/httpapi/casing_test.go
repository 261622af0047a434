package httpapi_test

import "testing"

// Go's decoder takes `Title` for `title`, and the last of the two. The schema is held against the same, or its limits could be passed by.
func TestFieldsHaveOneSpelling(t *testing.T) {
	p := start(t)
	for _, body := range []string{`{"Title":"a"}`, `{"title":"a","Title":""}`, `{"title":"a","tags":[{"name":"ok","NAME":"x"}]}`, `{"title":"a","titLe":"b"}`,
		`{"title":"a","tagſ":[{"name":"x"}]}`} {
		got := p.do(t, "ana", "POST", profiles, body)
		if pr := got.problem(t); pr.Status != 422 || pr.Code != "validation_failed" {
			t.Errorf("%s: %d %s", body, got.StatusCode, got.body)
		}
	}
}
