package app_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/nowgo/agents/internal/tenant"
)

// A standard user's list of an agent's conversations is of its own alone, whosever there are beside.
func TestAStandardUserListsItsOwnConversationsAlone(t *testing.T) {
	e := newEstate(t)
	user := func(id string) tenant.Principal {
		return tenant.Principal{Client: e.admin.Client, User: id, Role: tenant.StandardUser, Session: "ses_2"}
	}
	for name, c := range map[string]struct {
		as   tenant.Principal
		want []string
	}{
		"the administrator": {e.admin, []string{e.talk[0], e.theirs[0]}},
		"a manager":         {e.manager(), []string{e.talk[0], e.theirs[0]}},
		"a user":            {user("usr_user"), []string{e.theirs[0]}},
		"another user":      {user("usr_other"), nil},
	} {
		status, answer := e.do(c.as, "GET", "/v1/agents/"+e.agent[0]+"/conversations", "")
		var out struct{ Items []struct{ ID string } }
		if err := json.Unmarshal([]byte(answer), &out); err != nil || status != 200 {
			t.Errorf("%s: %d %s", name, status, answer)
			continue
		}
		var got []string
		for _, it := range out.Items {
			got = append(got, it.ID)
		}
		slices.Sort(got)
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s lists %v, want %v", name, got, c.want)
		}
	}
}
