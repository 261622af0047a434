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
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/mail/mailtest"
	"github.com/nowgo/agents/internal/mail/ses"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/tests/env"
)

func TestMain(m *testing.M) { os.Exit(env.Main(m)) }

// listening notes the mails that go through it, for the emulator keeps no headers.
type listening struct {
	*sesv2.Client
	mu  sync.Mutex
	raw [][]byte
}

func (l *listening) SendEmail(ctx context.Context, in *sesv2.SendEmailInput, options ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error) {
	out, err := l.Client.SendEmail(ctx, in, options...)
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.raw = append(l.raw, in.Content.Raw.Data)
	}
	return out, err
}

func client(t *testing.T, endpoint, verified string) *sesv2.Client {
	t.Helper()
	api := sesv2.NewFromConfig(env.AWS(endpoint))
	_, err := api.CreateEmailIdentity(t.Context(), &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String(verified)})
	if err != nil && !errors.As(err, new(*types.AlreadyExistsException)) {
		t.Fatal(err)
	}
	return api
}

func TestSES(t *testing.T) {
	endpoint := env.MiniStack(t)
	mailtest.Run(t, func(t *testing.T) mailtest.Box {
		api := &listening{Client: client(t, endpoint, "no-reply@nowgo.example")}
		s, err := ses.New(api, mailtest.From, system.Real())
		if err != nil {
			t.Fatal(err)
		}
		before := len(sent(t, endpoint))
		return mailtest.Box{Sender: s, Received: func(t *testing.T) []mailtest.Received { return api.received(t, sent(t, endpoint)[before:]) }}
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
