package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/route"
)

// Op is what the code of an operation says about it; method, path and the rest are in internal/route.
type Op struct {
	ID, Summary, Description string
	Status                   int   // of success; 200 where 0
	Errors                   []int // statuses beside those every operation has
	MaxBody                  int64 // bytes of the request's body; [MaxBody] where 0
	// CacheControl is the header of the operation's successes (RFC 9111 §5.2); `no-store` where empty.
	CacheControl string
	// Upload lets the body be multipart/form-data too (RFC 7578): its part `file` becomes the fields `name`, `content_type` and
	// `content`, its other parts the text fields of their name.
	Upload bool
	// Expensive operations are limited in how many of a client's run at the same time.
	Expensive bool
}

// MaxBody is the largest body in bytes of operations that do not say otherwise.
const MaxBody = 1 << 20

// Out is a handler's answer. A zero Status is the operation's own.
type Out[T any] struct {
	Status   int
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     T
}

// empty is the body of an answer that has none (204).
type empty struct{}

// bare is Out without a body.
type bare struct {
	Status   int
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
}

// Register mounts operation op.ID of internal/route: handle does the work and returns the entity, render turns it into the answer.
//
// For repeatable operations called with an Idempotency-Key the service announces the same entity with [idempotency.Answer]
// before its last commit; what is kept, and what is sent, is the rendering of that. The input's fields are Huma's (`path`, `query`,
// `header` tags and a Body).
//
// What is wrong with the operation is found in [API.Err].
//
// Each pair of an input and an output is some 30 KB of Huma's machine code in every function that has it. So Huma is given one output for
// all operations, and told what its body is, and what need not know the types is in [API.serve].
func Register[I, E, T any](a *API, op Op, handle func(context.Context, *I) (E, error), render func(E) Out[T]) {
	defer a.recoverRegister(op.ID)
	h, ok := a.describe(op, reflect.TypeFor[I]())
	if !ok {
		return
	}
	body := successes(&h)
	answer := func(entity any) (Out[any], error) {
		e, err := as[E](entity)
		if err != nil {
			return Out[any]{}, err
		}
		out := render(e)
		return Out[any]{Status: cmp.Or(out.Status, h.DefaultStatus), ETag: out.ETag, Location: out.Location, Body: out.Body}, nil
	}
	huma.Register(a.huma, h, func(ctx context.Context, in *I) (*Out[any], error) {
		return a.serve(ctx, func() (any, error) { return handle(ctx, in) }, answer)
	})
	*body = *a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, op.ID+"Response")
}

// RegisterEmpty is Register for an operation that answers without a body: op.Status, or 204.
func RegisterEmpty[I, E any](a *API, op Op, handle func(context.Context, *I) (E, error)) {
	if op.Status == 0 {
		op.Status = http.StatusNoContent
	}
	defer a.recoverRegister(op.ID)
	h, ok := a.describe(op, reflect.TypeFor[I]())
	if !ok {
		return
	}
	answer := func(entity any) (Out[any], error) {
		_, err := as[E](entity)
		return Out[any]{Status: h.DefaultStatus, Body: empty{}}, err
	}
	huma.Register(a.huma, h, func(ctx context.Context, in *I) (*bare, error) {
		out, err := a.serve(ctx, func() (any, error) { return handle(ctx, in) }, answer)
		if err != nil {
			return nil, err
		}
		return &bare{Status: out.Status, ETag: out.ETag, Location: out.Location}, nil
	})
}

// as returns the entity as the operation's own, and the zero of that for nil.
func as[E any](entity any) (E, error) {
	e, ok := entity.(E)
	if !ok && entity != nil {
		return e, mismatch(entity, reflect.TypeFor[E]())
	}
	return e, nil
}

func mismatch(entity any, want reflect.Type) error {
	return fmt.Errorf("httpapi: the announced answer is a %T, the operation's is a %s", entity, want)
}

// serve runs one request of an operation, repeatable or not: handle returns the entity, answer renders it.
func (a *API) serve(ctx context.Context, handle func() (any, error), answer func(entity any) (Out[any], error)) (*Out[any], error) {
	pending := idempotency.From(ctx)
	if pending != nil {
		pending.RenderWith(func(entity any) (idempotency.Reply, error) {
			out, err := answer(entity)
			if err != nil {
				return idempotency.Reply{}, err
			}
			return reply(out)
		})
	}
	e, err := handle()
	if err != nil {
		return nil, a.settle(ctx, pending, err)
	}
	if pending != nil {
		if kept, ok := pending.Kept(); ok {
			if same, err := answer(kept); err == nil {
				return &same, nil
			}
		} else if pending.Unanswered() {
			a.log.ErrorContext(ctx, "a repeatable operation committed without announcing its answer", "operation", operationOf(ctx))
		}
	}
	out, err := answer(e)
	return &out, err
}

// reply is an answer in the form in which it is kept: the bytes that are sent.
func reply(out Out[any]) (idempotency.Reply, error) {
	r := idempotency.Reply{Status: out.Status, ETag: out.ETag, Location: out.Location}
	if _, none := out.Body.(empty); none {
		return r, nil
	}
	var b bytes.Buffer
	if err := encode(&b, out.Body); err != nil {
		return r, err
	}
	r.Body = b.Bytes()
	return r, nil
}

// successes makes the description of the operation's successes, and returns the schema of their body, which is to be filled in.
func successes(h *huma.Operation) *huma.Schema {
	body := new(huma.Schema)
	h.Responses = map[string]*huma.Response{strconv.Itoa(h.DefaultStatus): {Content: map[string]*huma.MediaType{typeJSON: {Schema: body}}}}
	return body
}

// describe returns the operation, whose input is of the given type, as Huma wants it.
func (a *API) describe(op Op, input reflect.Type) (huma.Operation, bool) {
	if name := hiddenEmbed(input); name != "" {
		a.fail(fmt.Errorf("httpapi: operation %q: its input embeds the unexported type %s, whose fields Huma does not see", op.ID, name))
		return huma.Operation{}, false
	}
	row, ok := route.Find(op.ID)
	if !ok {
		a.fail(fmt.Errorf("httpapi: operation %q is not in the table of routes", op.ID))
		return huma.Operation{}, false
	}
	if _, twice := a.options[op.ID]; twice {
		a.fail(fmt.Errorf("httpapi: operation %q is registered twice", op.ID))
		return huma.Operation{}, false
	}
	if op.Status == 0 {
		op.Status = http.StatusOK
	}
	if op.MaxBody == 0 {
		op.MaxBody = MaxBody
	}
	a.options[op.ID] = op
	a.tag(string(row.Capability))
	h := huma.Operation{OperationID: op.ID, Method: row.Method, Path: row.Path, Summary: op.Summary, Description: op.Description,
		Tags: []string{string(row.Capability)}, DefaultStatus: op.Status,
		MaxBodyBytes: -1, BodyReadTimeout: -1, // the body is read, and its limits held, before Huma sees it
		Errors: errorsOf(row, op, input)}
	if op.Upload {
		h.RequestBody = uploadBody()
	}
	if !row.Public {
		h.Security = []map[string][]string{{"bearer": {}}}
	}
	if row.Repeatable {
		one, most := 1, idempotency.MaxKey
		h.Parameters = append(h.Parameters, &huma.Param{Name: idempotency.Header, In: "header",
			Description: "Repeats with the same key and body within 24 hours get the first answer, and have no further effect.",
			Schema:      &huma.Schema{Type: huma.TypeString, MinLength: &one, MaxLength: &most}})
	}
	return h, true
}

// tag names a capability in the document, so that the page shows them in the order in which they were registered.
func (a *API) tag(name string) {
	document := a.huma.OpenAPI()
	if !slices.ContainsFunc(document.Tags, func(t *huma.Tag) bool { return t.Name == name }) {
		document.Tags = append(document.Tags, &huma.Tag{Name: name})
	}
}

// uploadBody documents the other form of an upload's body; Huma adds the JSON.
func uploadBody() *huma.RequestBody {
	text := &huma.Schema{Type: huma.TypeString}
	return &huma.RequestBody{Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: &huma.Schema{
		Type: huma.TypeObject, Required: []string{"file"},
		Properties: map[string]*huma.Schema{"file": {Type: huma.TypeString, Format: "binary"}, "name": text, "content_type": text},
	}}}}
}

// hiddenEmbed returns the name of a struct that t embeds, at whatever depth, by an unexported type.
func hiddenEmbed(t reflect.Type) string {
	for f := range t.Fields() {
		if !f.Anonymous || f.Type.Kind() != reflect.Struct {
			continue
		}
		if !f.IsExported() {
			return f.Name
		}
		if name := hiddenEmbed(f.Type); name != "" {
			return name
		}
	}
	return ""
}

// recoverRegister turns Huma's panic about a type it cannot describe into an error.
func (a *API) recoverRegister(id string) {
	if p := recover(); p != nil {
		a.fail(fmt.Errorf("httpapi: operation %q: %v", id, p))
	}
}
