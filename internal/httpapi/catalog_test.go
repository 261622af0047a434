package httpapi

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2/validation"

	"github.com/nowgo/agents/internal/fault"
)

func TestCatalogsSayTheSameThings(t *testing.T) {
	all, err := catalogs()
	if err != nil {
		t.Fatal(err)
	}
	en, pt := all[english], all[portuguese]
	for name, pair := range map[string][2]map[string]string{"titles": {en.Titles, pt.Titles}, "details": {en.Details, pt.Details}, "kinds": {en.Kinds, pt.Kinds}} {
		a, b := slices.Sorted(maps.Keys(pair[0])), slices.Sorted(maps.Keys(pair[1]))
		if !slices.Equal(a, b) {
			t.Errorf("%s: %v\nand %v", name, a, b)
		}
		for key, text := range pair[0] {
			if text == "" || pair[1][key] == "" || text == pair[1][key] {
				t.Errorf("%s of %s: %q and %q", name, key, text, pair[1][key])
			}
		}
	}
	for from, to := range pt.Fields {
		if strings.Count(from, "%") < strings.Count(to, "%") || to == "" {
			t.Errorf("%q is %q", from, to)
		}
	}
}

func TestEveryKindHasAStatusAndItsTexts(t *testing.T) {
	for kind := fault.Internal; kind <= fault.Unavailable; kind++ {
		status, ok := statuses[kind]
		if !ok {
			t.Errorf("kind %d has no status", kind)
		}
		for _, lang := range []string{english, portuguese} {
			c := inLanguage(lang)
			if c.Titles[strconv.Itoa(status)] == "" || c.Kinds[strconv.Itoa(status)] == "" {
				t.Errorf("status %d has no text in %s", status, lang)
			}
		}
	}
	for status := range codesOf {
		if inLanguage(english).Titles[strconv.Itoa(status)] == "" {
			t.Errorf("status %d has no title", status)
		}
	}
}

// TestEveryCodeHasItsDetail reads the sources of the platform: a code that somebody makes and nobody can read is a defect.
func TestEveryCodeHasItsDetail(t *testing.T) {
	codes, texts := codesInSources(t)
	if len(codes) < 20 {
		t.Fatalf("found only %d codes: the test reads the wrong sources", len(codes))
	}
	for code, where := range codes {
		if inLanguage(english).Details[code] == "" {
			t.Errorf("%s (%s) is in no catalog", code, where)
		}
	}
	for code := range inLanguage(english).Details {
		if codes[code] == "" && !texts[code] {
			t.Errorf("nothing makes %s", code)
		}
	}
}

// codesInSources returns every text of the sources under internal/ that stands where a code does, with its file, and every other text.
func codesInSources(t *testing.T) (codes map[string]string, texts map[string]bool) {
	t.Helper()
	codes, texts = map[string]string{}, map[string]bool{}
	for _, code := range codesOf {
		codes[code] = "httpapi"
	}
	for _, code := range []string{codeValidation, "body_required", "unknown_route", "method_not_allowed", "canceled", "unsupported_media_type"} {
		codes[code] = "httpapi"
	}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if code, ok := codeOf(n); ok {
				codes[code] = path
			}
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text := strings.Trim(lit.Value, "\"`")
				texts[text] = true
				if strings.HasSuffix(text, "_not_found") { // made by helpers that know the kind
					codes[text] = path
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return codes, texts
}

// codeOf returns the code in a call that passes a fault's kind and then a text, as fault.New does and helpers around it.
func codeOf(n ast.Node) (string, bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return "", false
	}
	for i, arg := range call.Args {
		if sel, ok := arg.(*ast.SelectorExpr); !ok || i+1 >= len(call.Args) {
			continue
		} else if pkg, ok := sel.X.(*ast.Ident); !ok || pkg.Name != "fault" {
			continue
		}
		if lit, ok := call.Args[i+1].(*ast.BasicLit); ok && lit.Kind == token.STRING {
			code, err := strconv.Unquote(lit.Value)
			return code, err == nil
		}
	}
	return "", false
}

func TestFieldMessagesOfHumaAreTranslated(t *testing.T) {
	messages := []string{
		validation.MsgUnexpectedProperty, validation.MsgExpectedRFC3339DateTime, validation.MsgExpectedRFC1123DateTime, validation.MsgExpectedRFC3339Date,
		validation.MsgExpectedRFC3339Time, validation.MsgExpectedRFC5322Email, validation.MsgExpectedRFC5890Hostname, validation.MsgExpectedRFC2673IPv4,
		validation.MsgExpectedRFC2373IPv6, validation.MsgExpectedRFCIPAddr, validation.MsgExpectedRFC3986URI, validation.MsgExpectedRFC4122UUID,
		validation.MsgExpectedRFC6570URITemplate, validation.MsgExpectedRFC6901JSONPointer, validation.MsgExpectedRFC6901RelativeJSONPointer,
		validation.MsgExpectedRegexp, validation.MsgExpectedMatchAtLeastOneSchema, validation.MsgExpectedMatchExactlyOneSchema,
		validation.MsgExpectedNotMatchSchema, validation.MsgExpectedPropertyNameInObject, validation.MsgExpectedBoolean, validation.MsgExpectedDuration,
		validation.MsgExpectedNumber, validation.MsgExpectedInteger, validation.MsgExpectedString, validation.MsgExpectedBase64String,
		validation.MsgExpectedArray, validation.MsgExpectedObject, validation.MsgExpectedArrayItemsUnique, validation.MsgExpectedOneOf,
		validation.MsgExpectedMinimumNumber, validation.MsgExpectedExclusiveMinimumNumber, validation.MsgExpectedMaximumNumber,
		validation.MsgExpectedExclusiveMaximumNumber, validation.MsgExpectedNumberBeMultipleOf, validation.MsgExpectedMinLength,
		validation.MsgExpectedMaxLength, validation.MsgExpectedBePattern, validation.MsgExpectedMatchPattern, validation.MsgExpectedMinItems,
		validation.MsgExpectedMaxItems, validation.MsgExpectedMinProperties, validation.MsgExpectedMaxProperties,
		validation.MsgExpectedRequiredProperty, validation.MsgExpectedDependentRequiredProperty,
	}
	for _, m := range messages {
		said := verb.ReplaceAllString(m, "7")
		if got := translate(portuguese, said); got == said {
			t.Errorf("%q is not translated", said)
		}
		if got := translate(english, said); got != said {
			t.Errorf("%q became %q", said, got)
		}
	}
	for said, want := range map[string]string{
		"expected length >= 3": "deve ter no mínimo 3 caracteres", "expected string to be RFC 5322 email: mail: no @": "deve ser um endereço de e-mail",
		`expected value to be one of "a, b"`: `deve ser um destes: "a, b"`, "expected length >= ${1}%": "deve ter no mínimo ${1}% caracteres",
		"never heard of": "never heard of",
	} {
		if got := translate(portuguese, said); got != want {
			t.Errorf("%q became %q", said, got)
		}
	}
}
