package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/nowgo/agents/internal/route"
)

const (
	typeJSON    = "application/json"
	typeProblem = "application/problem+json"
)

// humaConfig is Huma without its own document, page and schema routes and without links to schemas in bodies.
func humaConfig(version string) huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "NowGo Agents Platform", Version: version,
				Description: "Agents for companies: profiles, agents, conversations, and the trail of everything done."},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", schemaNamer()),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"bearer": {Type: "http", Scheme: "bearer", Description: "An access token of /v1/auth/sign-in."},
				},
			},
		},
		// `json` is how Huma looks up what ends in +json.
		Formats: map[string]huma.Format{typeJSON: {Marshal: marshal, Unmarshal: json.Unmarshal},
			"json": {Marshal: marshal, Unmarshal: json.Unmarshal}},
		DefaultFormat:                typeJSON,
		RejectUnknownQueryParameters: true,
	}
}

// schemaNamer names schemas after their types, and those whose name another package took first after package and type.
func schemaNamer() func(reflect.Type, string) string {
	taken := map[string]reflect.Type{}
	return func(t reflect.Type, hint string) string {
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		name := huma.DefaultSchemaNamer(t, hint)
		for base, n := name, 2; ; n++ {
			if other, ok := taken[name]; !ok || other == t {
				taken[name] = t
				return name
			}
			name = fmt.Sprintf("%s%d", base, n)
		}
	}
}

// adapter mounts Huma's operations on the API's mux, each behind [API.operation].
type adapter struct{ api *API }

func (ad adapter) Handle(op *huma.Operation, handler func(huma.Context)) {
	row, ok := route.Find(op.OperationID)
	if !ok {
		ad.api.fail(fmt.Errorf("httpapi: operation %q is not in the table of routes", op.OperationID))
		return
	}
	ad.api.mount(row, op.RequestBody != nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler(humago.NewContext(op, r, w))
	}))
}

func (ad adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) { ad.api.mux.ServeHTTP(w, r) }

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxPooled keeps a single large body from holding its memory for good.
const maxPooled = 64 << 10

func putBuffer(b *bytes.Buffer) {
	if b.Cap() <= maxPooled {
		b.Reset()
		buffers.Put(b)
	}
}

// encode appends the JSON of v and a newline to b.
func encode(b *bytes.Buffer, v any) error {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("httpapi: encode: %w", err)
	}
	return nil
}

// marshal writes the JSON of v in one piece, so that nothing is sent of what cannot be encoded.
func marshal(w io.Writer, v any) error {
	switch v := v.(type) {
	case *replayed:
		_, err := w.Write(v.reply.Body)
		return err
	case *Problem:
		if x, ok := w.(*exchange); ok {
			x.problem = v
			x.Header()["Cache-Control"] = noStore
			for name, values := range v.headers { // Huma sets them for a handler's errors alone
				x.Header()[name] = values
			}
		}
	}
	b := buffers.Get().(*bytes.Buffer)
	defer putBuffer(b)
	if err := encode(b, v); err != nil {
		if x, ok := w.(*exchange); ok {
			x.mute() // Huma would send a text of its own
		}
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}
