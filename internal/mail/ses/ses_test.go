package ses_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/ses"

	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/mail/mailtest"
	"github.com/nowgo/agents/internal/mail/ses"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/tests/env"
)

func TestMain(m *testing.M) { os.Exit(env.Main(m)) }

// listening notes the mails that go through it, for the emulator keeps no headers.
type listening struct {
	*api.Client
	mu  sync.Mutex
	raw [][]byte
}

func (l *listening) SendRawEmail(ctx context.Context, in *api.SendRawEmailInput, options ...func(*api.Options)) (*api.SendRawEmailOutput, error) {
	out, err := l.Client.SendRawEmail(ctx, in, options...)
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.raw = append(l.raw, in.RawMessage.Data)
	}
	return out, err
}

func client(t *testing.T, endpoint, verified string) *api.Client {
	t.Helper()
	c := api.NewFromConfig(env.AWS(endpoint))
	if _, err := c.VerifyEmailIdentity(t.Context(), &api.VerifyEmailIdentityInput{EmailAddress: aws.String(verified)}); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSES(t *testing.T) {
	endpoint := env.MiniStack(t)
	mailtest.Run(t, func(t *testing.T) mailtest.Box {
		l := &listening{Client: client(t, endpoint, "no-reply@nowgo.example")}
		s, err := ses.New(l, mailtest.From, system.Real())
		if err != nil {
			t.Fatal(err)
		}
		before := len(sent(t, endpoint))
		return mailtest.Box{Sender: s, Received: func(t *testing.T) []mailtest.Received { return l.received(t, sent(t, endpoint)[before:]) }}
	})
}

// arrived is a mail as the emulator shows it.
type arrived struct {
	Source   string   `json:"Source"`
	To       []string `json:"To"`
	Subject  string   `json:"Subject"`
	BodyText string   `json:"BodyText"`
	BodyHTML string   `json:"BodyHtml"`
}

func sent(t *testing.T, endpoint string) (all []arrived) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, endpoint+"/_ministack/ses/messages", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	var page struct{ Messages map[string][]arrived }
	if err := errors.Join(json.NewDecoder(res.Body).Decode(&page), res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	for _, account := range page.Messages {
		all = append(all, account...)
	}
	return all
}

// received returns what the emulator took apart, after holding it against what was sent.
func (l *listening) received(t *testing.T, shown []arrived) (all []mailtest.Received) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	want := map[string]mailtest.Received{}
	for _, raw := range l.raw {
		r, err := mailtest.Read(raw)
		if err != nil {
			t.Fatal(err)
		}
		want[r.To] = r
	}
	for _, a := range shown {
		r := mailtest.Received{From: a.Source, To: strings.Join(a.To, ","), Subject: a.Subject, Text: lines(a.BodyText), HTML: lines(a.BodyHTML)}
		r.AutoSubmitted = want[r.To].AutoSubmitted
		if r != want[r.To] {
			t.Errorf("SES has %+v, sent was %+v", r, want[r.To])
		}
		all = append(all, r)
	}
	return all
}

func lines(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

func TestRefusalsNameNoOne(t *testing.T) {
	s, err := ses.New(client(t, env.MiniStack(t), "no-reply@nowgo.example"), "stranger@unverified.example", system.Real())
	if err != nil {
		t.Fatal(err)
	}
	err = s.Send(t.Context(), mail.Message{To: "ana@loja.example", Subject: "hi"})
	if err == nil || !strings.Contains(fmt.Sprint(err), "MessageRejected") || strings.Contains(err.Error(), "@") {
		t.Errorf("error %v, want MessageRejected without an address", err)
	}
}

func TestAnAddressThatSESCannotTake(t *testing.T) {
	s, err := ses.New(nil, mailtest.From, system.Real())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), mail.Message{To: "joão@loja.example", Subject: "hi"}); !errors.Is(err, mail.ErrMessage) {
		t.Errorf("error %v, want ErrMessage", err)
	}
}
