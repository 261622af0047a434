package httpapi

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

// operation is one route of the API: what is done before its handler.
type operation struct {
	api       *API
	row       route.Operation
	options   Op
	takesBody bool
	variables []string // of the path
	next      http.Handler
}

func (a *API) mount(row route.Operation, takesBody bool, next http.Handler) {
	o := &operation{api: a, row: row, options: a.options[row.ID], takesBody: takesBody, next: next}
	for _, part := range strings.Split(row.Path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			o.variables = append(o.variables, strings.TrimSuffix(name, "}"))
		}
	}
	a.mux.Handle(row.Method+" "+row.Path, o)
}

// ServeHTTP admits the request and hands it on.
func (o *operation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x, ok := w.(*exchange)
	if !ok {
		http.Error(w, "not served through API.Handler", http.StatusInternalServerError)
		return
	}
	x.routed, x.public = true, o.row.Public
	if o.options.CacheControl != "" {
		x.Header().Set("Cache-Control", o.options.CacheControl)
	}
	r.Header.Del("Accept") // every answer is JSON; there is nothing to negotiate
	x.call.Operation = o.row.ID
	r = r.WithContext(tenant.WithCall(r.Context(), x.call))
	if err := o.rate(x, r); err != nil {
		x.answer(problemOf(x.call, err))
		return
	}
	if err := o.admit(r, x.call); err != nil {
		x.answer(problemOf(x.call, err))
		return
	}
	if !o.takesBody {
		o.job(x, r, func() { o.proceed(x, r, nil) })
		return
	}
	body, err := o.readBody(r)
	if err != nil {
		x.answer(problemOf(x.call, err))
		return
	}
	defer putBuffer(body)
	o.job(x, r, func() { o.proceed(x, r, body.Bytes()) })
}

func (o *operation) proceed(x *exchange, r *http.Request, body []byte) {
	if o.row.Repeatable {
		if values, ok := r.Header["Idempotency-Key"]; ok {
			o.repeatable(x, r, values, body)
			return
		}
	}
	o.next.ServeHTTP(x, r)
}

// admit decides whether the request may go on, by who makes it and where it goes. Nothing of its body or query is looked at.
func (o *operation) admit(r *http.Request, call tenant.Call) error {
	if !o.row.Public {
		if refusal, ok := r.Context().Value(refusalKey{}).(error); ok {
			o.api.cfg.Denials.Refused(r.Context(), refusal)
			return refusal
		}
		if call.Principal.Anonymous() {
			return errAnonymous
		}
	}
	if d := o.api.cfg.Access.Decide(call.Principal, o.row.ID, access.Resource{Client: call.Principal.Client}); !d.Allow {
		return o.denied(r, d)
	}
	for _, name := range o.variables {
		// No id has another form, and none gets near a key of the table.
		if v := r.PathValue(name); len(v) > 64 || !plain(v) {
			return errNotFound
		}
	}
	return nil
}

// errorsOf are the statuses that an operation with such an input documents.
func errorsOf(row route.Operation, op Op, input reflect.Type) []int {
	all := slices.Clone(op.Errors)
	if _, list := input.FieldByName("PageQuery"); list || input == reflect.TypeFor[PageQuery]() {
		all = append(all, http.StatusBadRequest) // a cursor of another list
	}
	if !row.Public {
		all = append(all, http.StatusUnauthorized, http.StatusForbidden)
	}
	switch row.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		all = append(all, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if row.Repeatable {
		all = append(all, http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity)
	}
	if strings.Contains(row.Path, "{") {
		all = append(all, http.StatusNotFound)
	}
	if !row.Public || row.Capability != route.Monitoring {
		all = append(all, http.StatusTooManyRequests)
	}
	all = append(all, http.StatusServiceUnavailable)
	slices.Sort(all)
	return slices.Compact(all)
}
