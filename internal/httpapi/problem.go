package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// Problem is the body of every error (RFC 9457 §3), with the extension members code, request_id and errors.
type Problem struct {
	Type      string         `json:"type" format:"uri" example:"urn:nowgo:problem:not_found" doc:"The kind of problem, by its code."`
	Title     string         `json:"title" example:"Not found" doc:"What the status means, in the caller's language."`
	Status    int            `json:"status" example:"404" doc:"The HTTP status."`
	Detail    string         `json:"detail" example:"There is no such resource." doc:"What went wrong, in the caller's language."`
	Code      string         `json:"code" example:"not_found" doc:"The stable name of the problem."`
	RequestID string         `json:"request_id,omitempty" doc:"The X-Request-Id of this answer."`
	Errors    []ProblemField `json:"errors,omitempty" doc:"With validation, one entry per field."`

	cause   error // logged, never sent
	denied  error // what somebody who is signed in may not do
	headers http.Header
}

// ProblemField is what is wrong with one field of the input.
type ProblemField struct {
	Location string `json:"location" example:"body.metrics[0].unit" doc:"Where: body, query, path or header, then the field."`
	Message  string `json:"message" doc:"What, in the caller's language."`
}

// Error, GetStatus, GetHeaders and ContentType make a Problem what Huma takes for an error.
func (p *Problem) Error() string { return p.Code }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders returns the headers that go with the problem, such as Retry-After.
func (p *Problem) GetHeaders() http.Header { return p.headers }

// ContentType returns the media type of RFC 9457 §6.1.
func (p *Problem) ContentType(string) string { return typeProblem }

// statuses is the one table from kind of error to HTTP status.
var statuses = map[fault.Kind]int{
	fault.Internal:             http.StatusInternalServerError,
	fault.Invalid:              http.StatusBadRequest,
	fault.Unauthenticated:      http.StatusUnauthorized,
	fault.Forbidden:            http.StatusForbidden,
	fault.NotFound:             http.StatusNotFound,
	fault.Conflict:             http.StatusConflict,
	fault.PreconditionRequired: http.StatusPreconditionRequired,
	fault.PreconditionFailed:   http.StatusPreconditionFailed,
	fault.Unprocessable:        http.StatusUnprocessableEntity,
	fault.TooLarge:             http.StatusRequestEntityTooLarge,
	fault.RateLimited:          http.StatusTooManyRequests,
	fault.Unavailable:          http.StatusServiceUnavailable,
}

// codeValidation is the one Invalid code with a status of its own: what validation finds is a 422 wherever it is found.
const codeValidation = "validation_failed"

var (
	errNotFound        = fault.New("httpapi", fault.NotFound, "not_found")
	errForbidden       = fault.New("httpapi", fault.Forbidden, "forbidden")
	errAnonymous       = fault.New("httpapi", fault.Unauthenticated, "authentication_required")
	errMalformed       = fault.New("httpapi", fault.Invalid, "malformed_body")
	errBodyTooLarge    = fault.New("httpapi", fault.TooLarge, "body_too_large")
	errInternal        = fault.New("httpapi", fault.Internal, "internal")
	errWrongMediaType  = errors.New("the body's media type is not taken")
	errUnknownRoute    = errors.New("no route")
	errMethodNotTaken  = errors.New("no such method on the route")
	errClientCancelled = errors.New("the caller went away")
)

// problem turns an error into the answer for the caller of ctx.
func (a *API) problem(ctx context.Context, err error) *Problem {
	return problemOf(tenant.CallFrom(ctx), err)
}

func problemOf(call tenant.Call, err error) *Problem {
	switch {
	case errors.Is(err, errWrongMediaType):
		return newProblem(call, http.StatusUnsupportedMediaType, "unsupported_media_type", nil)
	case errors.Is(err, errUnknownRoute):
		return newProblem(call, http.StatusNotFound, "unknown_route", nil)
	case errors.Is(err, errMethodNotTaken):
		return newProblem(call, http.StatusMethodNotAllowed, "method_not_allowed", nil)
	case errors.Is(err, context.Canceled), errors.Is(err, errClientCancelled):
		return newProblem(call, http.StatusServiceUnavailable, "canceled", err)
	case errors.Is(err, context.DeadlineExceeded):
		return newProblem(call, http.StatusServiceUnavailable, "timeout", err)
	}
	var e *fault.Error
	if !errors.As(err, &e) {
		errors.As(store.Fault("httpapi", err), &e)
	}
	if e == nil {
		e = errInternal
	}
	status, ok := statuses[e.Kind]
	if !ok {
		status = http.StatusInternalServerError
	}
	if e.Code == codeValidation {
		status = http.StatusUnprocessableEntity
	}
	p := newProblem(call, status, e.Code, nil)
	if e.Err != nil || status >= http.StatusInternalServerError {
		p.cause = err
	}
	p.noteDenial(err)
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, ProblemField{Location: f.Location, Message: translate(call.Language, f.Message)})
	}
	p.limited(e.Limits)
	if e.RetryAfter > 0 {
		p.header("Retry-After", strconv.Itoa(int((e.RetryAfter+999_999_999)/1_000_000_000)))
	}
	return p
}

func newProblem(call tenant.Call, status int, code string, cause error) *Problem {
	p := &Problem{Type: "urn:nowgo:problem:" + code, Title: titleOf(call.Language, status), Status: status, Code: code,
		Detail: detailOf(call.Language, code, status), RequestID: call.RequestID, cause: cause}
	p.header("Content-Language", languageOf(call.Language))
	switch status {
	case http.StatusUnauthorized:
		// RFC 6750 §3: the error attribute only where a credential came.
		challenge := `Bearer realm="nowgo"`
		if code != errAnonymous.Code {
			challenge += `, error="invalid_token"`
		}
		p.header("WWW-Authenticate", challenge)
	case http.StatusServiceUnavailable:
		p.header("Retry-After", "1")
	}
	return p
}

func (p *Problem) header(name, value string) {
	if p.headers == nil {
		p.headers = http.Header{}
	}
	p.headers.Set(name, value)
}

// codesOf names Huma's own errors.
var codesOf = map[int]string{
	http.StatusBadRequest:            "malformed_body",
	http.StatusRequestEntityTooLarge: "body_too_large",
	http.StatusUnsupportedMediaType:  "unsupported_media_type",
	http.StatusNotAcceptable:         "not_acceptable",
	http.StatusUnprocessableEntity:   codeValidation,
	http.StatusRequestTimeout:        "timeout",
}

// humaProblem is what Huma's own errors become: those of its decoding and validation, and what it cannot write.
func humaProblem(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
	call := tenant.Call{}
	if ctx != nil {
		call = tenant.CallFrom(ctx.Context())
	}
	code, known := codesOf[status]
	if !known {
		status, code = http.StatusInternalServerError, errInternal.Code
	}
	if status == http.StatusBadRequest && message == "request body is required" {
		code = "body_required"
	}
	p := newProblem(call, status, code, nil)
	if status == http.StatusInternalServerError {
		p.cause = errors.Join(append([]error{errors.New(message)}, errs...)...)
		return p
	}
	if code != codeValidation {
		return p
	}
	for _, err := range errs {
		var d huma.ErrorDetailer
		if errors.As(err, &d) {
			p.Errors = append(p.Errors, field(call.Language, d.ErrorDetail()))
		}
	}
	return p
}

// missingBefore and missingAfter stand around the field's name in Huma's message about one that is missing.
var missingBefore, missingAfter, _ = strings.Cut(validation.MsgExpectedRequiredProperty, "%s")

// field is one of Huma's findings, without the value: it may be a secret. What encoding/json says of a type that the schema let
// pass names Go types, so it is replaced.
func field(lang string, d *huma.ErrorDetail) ProblemField {
	message := d.Message
	if strings.HasPrefix(message, "json:") || strings.HasPrefix(message, "parsing time") {
		message = "unexpected value"
	}
	location := d.Location
	if name, ok := strings.CutPrefix(message, missingBefore); ok {
		// Huma locates what is missing at the object that lacks it.
		location += "." + strings.TrimSuffix(name, missingAfter)
	}
	return ProblemField{Location: location, Message: translate(lang, message)}
}

func init() {
	huma.NewErrorWithContext = humaProblem
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return humaProblem(nil, status, message, errs...)
	}
}
