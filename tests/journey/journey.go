package journey

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/events/eventtest"
	"github.com/nowgo/agents/tests/faq"
)

const password = "um-segredo-bem-comprido-42"

// company is a client with its people.
type company struct {
	d       Deployment
	id      string
	admin   *Caller
	adminID string
	user    *Caller
	userID  string
	email   string // of the administrator
}

// signIn returns a person's caller.
func signIn(t testing.TB, d Deployment, email, password string) *Caller {
	t.Helper()
	a := d.As(t, "").Must(200, "POST", "/v1/auth/sign-in", object{"email": email, "password": password})
	return d.As(t, a.Text("access_token"))
}

// accept takes an invitation and returns the person's caller.
func accept(t testing.TB, d Deployment, token, name string) *Caller {
	t.Helper()
	a := d.As(t, "").Must(200, "POST", "/v1/auth/invitations/accept", object{"token": token, "name": name, "password": password})
	return d.As(t, a.Text("access_token"))
}

// onboard creates a client, as the global administrator, and lets its administrator accept and sign in.
func onboard(t testing.TB, d Deployment, name, slug string) company {
	t.Helper()
	root := signIn(t, d, d.AdminEmail, d.AdminPassword)
	email := "ana@" + slug + ".example"
	made := root.Must(201, "POST", "/v1/clients", object{"name": name, "slug": slug, "languages": []string{"pt-BR", "en"},
		"administrator": object{"email": email, "name": "Ana"}})
	accept(t, d, made.Text("invitation", "token"), "Ana")
	c := company{d: d, id: made.Text("id"), admin: signIn(t, d, email, password), email: email}
	c.adminID = c.admin.Must(200, "GET", "/v1/auth/me", nil).Text("user_id")
	return c
}

// unique is a slug that no other run used, so that a deployment can be tested again.
func unique(name string) string { return fmt.Sprintf("%s-%x", name, time.Now().UnixNano()) }

// Main is the platform's main job, from the company's data to its answered questions.
func Main(t *testing.T, d Deployment) {
	c := onboard(t, d, "Loja Azul", unique("loja-azul"))
	profile := c.admin.Must(201, "POST", "/v1/profiles", object{"name": "Loja Azul", "industry": "retail",
		"size": object{"employees": 120}, "metrics": []object{{"key": "first_response", "name": "Primeira resposta", "unit": "minutes",
			"direction": "down", "baseline": 30, "target": 5, "current": 30}}}).Text("id")
	agent := c.admin.Must(201, "POST", "/v1/agents", object{"profile_id": profile, "template": "retail", "name": "Sofia"}).Text("id")
	documents := map[string]string{}
	for _, name := range []string{faq.Portuguese, faq.English} {
		documents[name] = c.admin.Must(201, "POST", "/v1/agents/"+agent+"/documents", object{"name": name,
			"content_type": "text/markdown", "content": faq.Document(t, name)}).Text("id")
	}
	c.admin.Must(200, "POST", "/v1/agents/"+agent+"/publish", nil)
	invited := c.admin.Must(201, "POST", "/v1/users", object{"email": "rui@" + unique("loja") + ".example", "name": "Rui",
		"role": "standard_user"})
	c.userID, c.user = invited.Text("id"), accept(t, d, invited.Text("invitation", "token"), "Rui")
	talk := c.user.Must(201, "POST", "/v1/agents/"+agent+"/conversations", object{}).Text("id")

	t.Run("the person gets right answers with citations", func(t *testing.T) { questions(t, c, talk, documents) })
	other := onboard(t, d, "Outra Loja", unique("outra-loja"))
	t.Run("another client sees nothing of it", func(t *testing.T) {
		unseen(t, other, c, profile, agent, documents[faq.Portuguese], talk)
	})
	steps := []step{{"client.created", "client", c.id}, {"user.invited", "user", ""}, {"invitation.accepted", "user", ""},
		{"session.started", "session", ""}, {"profile.created", "profile", profile}, {"agent.generated", "agent", agent},
		{"document.added", "document", documents[faq.Portuguese]}, {"document.added", "document", documents[faq.English]},
		{"agent.published", "agent", agent}, {"user.invited", "user", c.userID}, {"invitation.accepted", "user", ""},
		{"conversation.started", "conversation", talk}}
	for range questionsAsked {
		steps = append(steps, step{"conversation.message_received", "conversation", talk}, step{"conversation.replied", "conversation", talk})
	}
	var trail []body
	t.Run("every step is in the trail, in order, with actor, action and target", func(t *testing.T) {
		trail = inTrail(t, c, steps)
	})
	t.Run("every step arrived on the bus", func(t *testing.T) { onTheBus(t, c, trail) })
}

const questionsAsked = 26 // ten in each language and three of each that the documents do not answer

type turn struct {
	Reply struct {
		Text      string `json:"text"`
		Language  string `json:"language"`
		Answered  bool   `json:"answered"`
		Citations []struct {
			DocumentID string `json:"document_id"`
			PassageID  string `json:"passage_id"`
			Heading    string `json:"heading"`
			Quote      string `json:"quote"`
		} `json:"citations"`
	} `json:"reply"`
}

func questions(t *testing.T, c company, talk string, documents map[string]string) {
	s := faq.Questions(t)
	asked := 0
	say := func(text string) turn {
		asked++
		var answer turn
		c.user.Must(201, "POST", "/v1/conversations/"+talk+"/messages", object{"text": text}).Into(&answer)
		return answer
	}
	for _, group := range []struct {
		language, document string
		questions          []faq.Question
	}{{"pt-BR", documents[faq.Portuguese], s.Portuguese}, {"en", documents[faq.English], s.English}} {
		if len(group.questions) != 10 {
			t.Fatalf("%d questions in %s", len(group.questions), group.language)
		}
		for _, q := range group.questions {
			r := say(q.Question).Reply
			if !r.Answered || r.Language != group.language || len(r.Citations) == 0 {
				t.Errorf("%q: answered %v in %q with %d citations: %s", q.Question, r.Answered, r.Language, len(r.Citations), r.Text)
				continue
			}
			for _, want := range q.Expect {
				if !strings.Contains(r.Text, want) {
					t.Errorf("%q: no %q in the answer: %s", q.Question, want, r.Text)
				}
			}
			if r.Citations[0].Heading != q.Heading || r.Citations[0].DocumentID != group.document || r.Citations[0].Quote == "" {
				t.Errorf("%q: cited %+v, not %q", q.Question, r.Citations[0], q.Heading)
			}
		}
	}
	for language, list := range s.Unanswerable {
		for _, text := range list {
			if r := say(text).Reply; r.Answered || r.Language != language || len(r.Citations) != 0 {
				t.Errorf("%q is not in the documents, but: answered %v in %q: %s", text, r.Answered, r.Language, r.Text)
			}
		}
	}
	if asked != questionsAsked {
		t.Errorf("%d questions asked, not %d", asked, questionsAsked)
	}
}

func unseen(t *testing.T, other, c company, profile, agent, document, talk string) {
	o := other
	o.admin.t = t
	for _, call := range [][2]string{{"GET", "/v1/profiles/" + profile}, {"GET", "/v1/agents/" + agent},
		{"GET", "/v1/agents/" + agent + "/configurations"}, {"GET", "/v1/agents/" + agent + "/configurations/1"},
		{"GET", "/v1/agents/" + agent + "/documents"}, {"GET", "/v1/agents/" + agent + "/documents/" + document},
		{"GET", "/v1/agents/" + agent + "/search?q=domingo"}, {"GET", "/v1/agents/" + agent + "/conversations"},
		{"GET", "/v1/conversations/" + talk}, {"GET", "/v1/conversations/" + talk + "/messages"}, {"GET", "/v1/users/" + c.userID},
		{"POST", "/v1/agents/" + agent + "/publish"}, {"POST", "/v1/conversations/" + talk + "/close"}} {
		if a := o.admin.Do(call[0], call[1], nil); a.Status != 404 {
			t.Errorf("%s %s as another client: %d: %.300s", call[0], call[1], a.Status, a.Raw)
		}
	}
	for path, content := range map[string]object{"/v1/agents/" + agent + "/conversations": {},
		"/v1/conversations/" + talk + "/messages": {"text": "Vocês abrem no domingo?"},
		"/v1/agents/" + agent + "/documents":      {"name": "x.md", "content_type": "text/markdown", "content": "# x\n\nx"},
		"/v1/agents":                              {"profile_id": profile, "template": "retail", "name": "X"}} {
		if a := o.admin.Do("POST", path, content); a.Status != 404 {
			t.Errorf("POST %s as another client: %d: %.300s", path, a.Status, a.Raw)
		}
	}
	for _, list := range []string{"/v1/profiles", "/v1/agents", "/v1/users", "/v1/audit-events?limit=100"} {
		if raw := string(o.admin.Must(200, "GET", list, nil).Raw); strings.Contains(raw, profile) || strings.Contains(raw, agent) || strings.Contains(raw, c.userID) {
			t.Errorf("GET %s as another client shows it: %s", list, raw)
		}
	}
}

type step struct{ kind, targetType, targetID string }

type body struct {
	ID     string `json:"id"`
	Type   string `json:"type"`
	Action string `json:"action"`
	Result string `json:"result"`
	Actor  struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	} `json:"actor"`
	Target struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	} `json:"target"`
}

// inTrail reads the whole trail, the oldest first, and finds the steps in it in their order.
func inTrail(t *testing.T, c company, steps []step) []body {
	c.admin.t = t
	var trail []body
	for cursor := ""; ; {
		var page struct {
			Items []body  `json:"items"`
			Next  *string `json:"next_cursor"`
		}
		c.admin.Must(200, "GET", "/v1/audit-events?order=oldest&limit=50&cursor="+cursor, nil).Into(&page)
		trail = append(trail, page.Items...)
		if page.Next == nil {
			break
		}
		cursor = *page.Next
	}
	at := 0
	for _, e := range trail {
		if e.Result != "success" || e.Action == "" || e.Actor.Type == "" || e.Target.ID == "" || e.Actor.ID == "" && e.Actor.Type != "anonymous" {
			t.Errorf("an event says too little: %+v", e)
		}
		if at < len(steps) && e.Type == steps[at].kind && e.Target.Type == steps[at].targetType &&
			(steps[at].targetID == "" || e.Target.ID == steps[at].targetID) {
			at++
		}
	}
	if at < len(steps) {
		kinds := make([]string, len(trail))
		for i, e := range trail {
			kinds[i] = e.Type + "(" + e.Target.Type + ")"
		}
		t.Errorf("step %d, %+v, is not in the trail after the ones before it: %v", at, steps[at], kinds)
	}
	return trail
}

// onTheBus waits until every event of the trail was archived by the bus's consumer, and checks each against its schema.
func onTheBus(t *testing.T, c company, trail []body) {
	missing := map[string]string{}
	for _, e := range trail {
		missing[e.ID] = e.Type
	}
	deadline := time.Now().Add(2 * time.Minute)
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for len(missing) > 0 && time.Now().Before(deadline) {
		archived, err := c.d.Archived(t.Context(), c.id)
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range archived {
			var e body
			if err := json.Unmarshal(raw, &e); err != nil {
				t.Fatal(err)
			}
			if _, ok := missing[e.ID]; ok {
				delete(missing, e.ID)
				if err := eventtest.Validate(raw); err != nil {
					t.Errorf("event %s on the bus: %v", e.Type, err)
				}
			}
		}
		if len(missing) > 0 {
			<-tick.C
		}
	}
	if len(missing) > 0 {
		t.Errorf("%d of %d events did not arrive: %v", len(missing), len(trail), missing)
	}
}
