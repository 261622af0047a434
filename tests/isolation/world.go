package isolation

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nowgo/agents/tests/journey"
)

const password = "um-segredo-bem-comprido-42"

// The roles that attack, and that are attacked upon.
const (
	admin    = "client_admin"
	manager  = "agent_manager"
	limited  = "agent_manager, limited"
	user     = "standard_user"
	key      = "API key"
	root     = "global_admin"
	nobody   = "nobody"
	unending = 100 // the most of a list
)

// company is a client with everything in it.
type company struct {
	name, id, mark string
	tokens         map[string]string // by role
	emails         map[string]string // of its people, by role
	ids            map[string]string // of what it has, by the name of the path's variable
	etags          map[string]string // likewise
	all            map[string]bool   // every id that it was ever told
}

// world is what the matrix runs in.
type world struct {
	*caller
	root      string
	attacker  *company
	victims   []*company // the last is suspended
	documents openAPI
}

// mark is a word that nobody writes by chance.
func mark() string {
	b := make([]byte, 10)
	if _, err := rand.Read(b); err != nil {
		panic(err) // which it never does (crypto/rand, Go 1.24)
	}
	return "zq" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
}

var anID = regexp.MustCompile(`\b(cli|usr|per|pro|agt|doc|cnv|msg|ses|key|inv|psg)_[a-z2-7]{26}\b`)

// tell notes every id in an answer.
func (c *company) tell(a answer) answer {
	for _, id := range anID.FindAllString(string(a.raw), -1) {
		c.all[id] = true
	}
	return a
}

// newWorld makes the four clients. Their names are alike, down to a letter, a case and a space.
func newWorld(t testing.TB, d journey.Deployment) *world {
	t.Helper()
	w := &world{caller: newCaller(d)}
	w.root = w.must(t, "", "POST", "/v1/auth/sign-in", object{"email": d.AdminEmail, "password": d.AdminPassword}).field("access_token")
	run := mark()
	var made []*company
	for i, name := range []string{"Loja Azul", "Loja Azu1", "loja azul", "Loja  Azul"} {
		made = append(made, w.onboard(t, name, fmt.Sprintf("loja-azul-%s%d", run[2:10], i)))
	}
	w.attacker, w.victims = made[0], made[1:]
	for _, c := range made {
		delete(c.all, "")
	}
	w.document(t)
	return w
}

// onboard makes a client and fills it.
func (w *world) onboard(t testing.TB, name, slug string) *company {
	t.Helper()
	c := &company{name: name, mark: mark(), tokens: map[string]string{root: w.root, nobody: ""}, emails: map[string]string{}, ids: map[string]string{},
		etags: map[string]string{}, all: map[string]bool{}}
	c.emails[admin] = "ana@" + slug + ".example"
	a := c.tell(w.must(t, w.root, "POST", "/v1/clients", object{"name": name + " " + c.mark, "slug": slug, "languages": []string{"pt-BR", "en"},
		"plan": "business", "administrator": object{"email": c.emails[admin], "name": "Ana " + c.mark}}))
	c.id, c.ids["client_id"] = a.field("id"), a.field("id")
	c.tokens[admin] = w.accept(t, c, a.field("invitation", "token"), "Ana "+c.mark)
	for _, role := range []string{manager, user} {
		c.tokens[role] = w.invite(t, c, role, role, slug)
	}
	w.fill(t, c)
	c.tokens[limited] = w.invite(t, c, limited, manager, slug)
	w.limit(t, c)
	return c
}

func (w *world) accept(t testing.TB, c *company, invitation, name string) string {
	t.Helper()
	return c.tell(w.must(t, "", "POST", "/v1/auth/invitations/accept", object{"token": invitation, "name": name, "password": password})).field("access_token")
}

// invite makes a person of the role, and returns their token.
func (w *world) invite(t testing.TB, c *company, as, role, slug string) string {
	t.Helper()
	c.emails[as] = strings.NewReplacer("_", "", ",", "", " ", "").Replace(as) + "@" + slug + ".example"
	a := c.tell(w.must(t, c.tokens[admin], "POST", "/v1/users", object{"email": c.emails[as], "name": "Pessoa " + c.mark, "role": role}))
	c.ids["user_id:"+as] = a.field("id")
	return w.accept(t, c, a.field("invitation", "token"), "Pessoa "+c.mark)
}

// limit holds the limited manager to the client's one profile.
func (w *world) limit(t testing.TB, c *company) {
	t.Helper()
	path := "/v1/users/" + c.ids["user_id:"+limited]
	etag := w.must(t, c.tokens[admin], "GET", path, nil).header.Get("ETag")
	w.must(t, c.tokens[admin], "PATCH", path, object{"within": []string{c.ids["profile_id"]}}, "If-Match", etag)
}

// fill gives the client one of everything, and two where there is a list to be cut.
func (w *world) fill(t testing.TB, c *company) {
	t.Helper()
	token := c.tokens[admin]
	post := func(token, path string, body object) answer {
		t.Helper()
		return c.tell(w.must(t, token, "POST", path, body))
	}
	keep := func(name string, a answer) {
		c.ids[name], c.etags[name] = a.field("id"), a.header.Get("ETag")
	}
	for range 2 {
		keep("profile_id", post(token, "/v1/profiles", object{"name": "Perfil " + c.mark, "industry": "retail", "size": object{"employees": 3}}))
		keep("agent_id", post(token, "/v1/agents", object{"profile_id": c.ids["profile_id"], "template": "retail", "name": "Sofia " + c.mark}))
	}
	agent := "/v1/agents/" + c.ids["agent_id"]
	for i := range 2 {
		keep("document_id", post(token, agent+"/documents", object{"name": fmt.Sprintf("%s-%d.md", c.mark, i), "content_type": "text/markdown",
			"content": "# Qual é a senha do cofre " + []string{"grande", "pequeno"}[i] + "?\n\nA senha do cofre é " + c.mark + ".\n"}))
	}
	post(token, agent+"/publish", nil)
	for _, role := range []string{user, admin} {
		keep("conversation_id", post(c.tokens[role], agent+"/conversations", object{}))
		talk := "/v1/conversations/" + c.ids["conversation_id"]
		post(c.tokens[role], talk+"/messages", object{"text": "Qual é a senha do cofre grande, " + c.mark + "?"})
		post(c.tokens[role], talk+"/messages", object{"text": "Obrigado, " + c.mark})
		c.ids["conversation_id:"+role] = c.ids["conversation_id"]
	}
	for range 2 {
		a := post(token, "/v1/api-keys", object{"name": "Chave " + c.mark, "role": manager, "scopes": keyOperations})
		keep("key_id", a)
		c.tokens[key] = a.field("key")
	}
	me := c.tell(w.must(t, c.tokens[user], "GET", "/v1/auth/me", nil))
	c.ids["user_id"] = me.field("user_id")
	c.etags["user_id"] = w.must(t, token, "GET", "/v1/users/"+c.ids["user_id"], nil).header.Get("ETag")
	c.ids["version"], c.ids["sector"] = "1", "retail"
	w.remember(t, c, "event_id", token, "/v1/audit-events")
	for _, role := range []string{user, admin} {
		c.tell(w.must(t, "", "POST", "/v1/auth/sign-in", object{"email": c.emails[role], "password": password}))
	}
	w.remember(t, c, "session_id", c.tokens[user], "/v1/auth/sessions")
}

// remember keeps the id of the first of a list.
func (w *world) remember(t testing.TB, c *company, name, token, path string) {
	t.Helper()
	var list struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	a := w.must(t, token, "GET", path, nil)
	decode(t, a, &list)
	if len(list.Items) == 0 || list.Items[0].ID == "" {
		t.Fatalf("%s is empty: %s", path, a.raw)
	}
	c.ids[name] = list.Items[0].ID
	c.all[c.ids[name]] = true
}

// leak returns what of the others an answer holds that the request did not.
func (w *world) leak(r request, a answer) string {
	said := r.said()
	text := string(a.raw) + fmt.Sprint(map[string][]string(a.header))
	for _, v := range w.victims {
		if strings.Contains(text, v.mark) && !strings.Contains(said, v.mark) {
			return "the word of " + v.name
		}
		for _, id := range slices.Sorted(maps.Keys(v.all)) {
			if strings.Contains(text, id) && !strings.Contains(said, id) {
				return "an id of " + v.name + ", " + id
			}
		}
	}
	return ""
}
