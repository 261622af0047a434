package prover_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/nowgo/agents/internal/prover"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

// iam is what AWS answers where its policies hold: it lets through what names the client alone, and refuses the rest.
type iam struct{ client tenant.ID }

func (i *iam) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	asked := r.URL.Path + "?" + r.URL.RawQuery + " " + string(body)
	target := r.Header.Get("X-Amz-Target")
	named := strings.Contains(asked, string(i.client))
	for _, word := range strings.FieldsFunc(asked, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
		if strings.HasPrefix(word, "cli_") && word != string(i.client) {
			named = false
		}
	}
	named = named && !strings.Contains(target, "Scan") && !strings.Contains(target, "ExecuteStatement") && !strings.Contains(asked, "$platform")
	switch {
	case target == "" && !named: // S3
		w.WriteHeader(http.StatusForbidden)
		said(w, `<Error><Code>AccessDenied</Code><Message>no</Message></Error>`)
	case target == "" && r.URL.Query().Get("list-type") == "2":
		said(w, `<ListBucketResult></ListBucketResult>`)
	case target == "":
		w.WriteHeader(http.StatusNotFound)
		said(w, `<Error><Code>NoSuchKey</Code></Error>`)
	case !named:
		w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
		w.WriteHeader(http.StatusBadRequest)
		said(w, `{"__type":"AccessDeniedException"}`)
	default:
		said(w, `{}`)
	}
}

func said(w io.Writer, text string) {
	if _, err := io.WriteString(w, text); err != nil {
		panic(err) // the test's own server: it ends the test
	}
}

func proverAt(url string, as func(tenant.ID)) prover.Prover {
	own := credentials.NewStaticCredentialsProvider("test", "test", "")
	return prover.Prover{AWS: aws.Config{Region: "us-east-1", BaseEndpoint: &url, Credentials: own, RetryMaxAttempts: 1},
		Credentials: func(c tenant.ID) (aws.CredentialsProvider, error) { as(c); return own, nil },
		Table:       "nowgo", Bucket: "files", Key: "arn:aws:kms:us-east-1:000000000000:key/1", System: system.Real()}
}

func TestWhatIAMRefusesIsFound(t *testing.T) {
	policies := &iam{}
	server := httptest.NewServer(policies)
	defer server.Close()
	p := proverAt(server.URL, func(c tenant.ID) { policies.client = c })
	findings, err := p.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, f := range findings {
		if !f.OK() {
			t.Errorf("%s: want %s, got %s %s", f.Attempt, f.Want, f.Got, f.Error)
		}
		if f.Got == prover.Refused {
			refused++
		}
	}
	if refused < 15 {
		t.Errorf("only %d attempts were refused of %d", refused, len(findings))
	}
}

// Where nobody refuses, every crossing must be told: a proof that always succeeds proves nothing.
func TestWhatNobodyRefusesIsTold(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") != "" {
			said(w, `{}`)
		}
	}))
	defer server.Close()
	p := proverAt(server.URL, func(tenant.ID) {})
	findings, err := p.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if f.Got != prover.Allowed || f.OK() != (f.Want == prover.Allowed) {
			t.Errorf("%s: %s %s", f.Attempt, f.Got, f.Error)
		}
	}
}
