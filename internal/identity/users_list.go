package identity

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// MaxSearch is the longest text to search users by, in characters.
const MaxSearch = 64

const (
	// pageQueries is how many queries of an index a page of users takes at most, each with one more read where it finds addresses.
	pageQueries = 5
	// maxFolded is how much of a folded text stands in a key, in bytes: some names grow when they are folded.
	maxFolded = 600
)

// UserQuery asks for users of a client.
type UserQuery struct {
	Text   string      // the beginning of a name or of an address, whatever its case and accents; empty: all
	Role   tenant.Role // empty: any
	Status Status      // empty: any
	Limit  int         // 1 to 100
	Cursor string      // UserPage.Next of the page before, or empty
}

// UserPage is a part of a list of users. Next is empty at the end. A page can be shorter than the limit, even empty, before the
// end: what a filter leaves out was read.
type UserPage struct {
	Items []User
	Next  string
}

// scan is one walk through an index. A search has two, one after the other: through names and through addresses.
type scan struct {
	index   store.Index
	prefix  string
	address bool // it finds addresses, whose users are read beside it
}

// ListUsers returns a page of users of the client: all in the order of role and creation, or those whose name begins with a text, and
// after them the others whose address does, each in byte order. A page costs at most five queries, and in a search as many reads of
// users by id. Users who were last changed before names were indexed are in the list, and are not found by a search.
//
// Errors: fault.Invalid (text, role, status, limit, cursor), those of the table.
func (s *Service) ListUsers(ctx context.Context, client tenant.ID, q UserQuery) (UserPage, error) {
	const op = "identity.ListUsers"
	scans, err := q.scans(op)
	if err != nil {
		return UserPage{}, err
	}
	at, cursor, err := splitUserCursor(q.Cursor, len(scans))
	if err != nil {
		return UserPage{}, store.Fault(op, err)
	}
	page := UserPage{Items: []User{}}
	for n := 0; n < pageQueries && at < len(scans) && len(page.Items) < q.Limit; n++ {
		found, next, err := s.scanUsers(ctx, client, scans[at], scans[0], q.Limit-len(page.Items), cursor)
		if err != nil {
			return UserPage{}, store.Fault(op, err)
		}
		for _, u := range found {
			if q.takes(u) {
				page.Items = append(page.Items, u)
			}
		}
		if cursor = next; cursor == "" {
			at++
		}
	}
	if at < len(scans) {
		page.Next = strconv.Itoa(at) + "." + cursor
	}
	return page, nil
}

// scans returns the walks that answer the query.
func (q UserQuery) scans(op string) ([]scan, error) {
	switch {
	case q.Role != "" && !q.Role.Valid():
		return nil, fault.BadField(op, "query.role", "must be a role")
	case q.Status != "" && q.Status != StatusInvited && q.Status != StatusActive && q.Status != StatusDisabled:
		return nil, fault.BadField(op, "query.status", "must be invited, active or disabled")
	case q.Limit < 1 || q.Limit > 100:
		return nil, fault.BadField(op, "query.limit", "must be 1 to 100")
	case q.Text == "" && q.Role == "":
		return []scan{{index: store.ByParent, prefix: keys.RolePrefix}}, nil
	case q.Text == "":
		return []scan{{index: store.ByParent, prefix: keys.RoleUsers(string(q.Role))}}, nil
	}
	text := folded(q.Text)
	if text == "" || !utf8.ValidString(q.Text) || utf8.RuneCountInString(q.Text) > MaxSearch || strings.ContainsFunc(q.Text, unicode.IsControl) {
		return nil, fault.BadField(op, "query.q", "must have 1 to 64 characters, none of them control characters")
	}
	return []scan{{index: store.ByActor, prefix: keys.UserNames(text)},
		{index: store.ByActor, prefix: keys.UserAddresses(text), address: true}}, nil
}

func (q UserQuery) takes(u User) bool {
	return (q.Role == "" || u.Role == q.Role) && (q.Status == "" || u.Status == q.Status)
}

// scanUsers makes one query of a walk. What the first walk of the list finds, a later one leaves out.
func (s *Service) scanUsers(ctx context.Context, client tenant.ID, sc, first scan, limit int, cursor string) ([]User, string, error) {
	got, err := s.Table.Query(ctx, client, store.Query{Index: sc.index, Prefix: sc.prefix, Limit: limit, Cursor: cursor})
	if err != nil {
		return nil, "", err
	}
	rows := got.Items
	if sc.address && len(rows) > 0 {
		if rows, err = s.ofAddresses(ctx, client, rows); err != nil {
			return nil, "", err
		}
	}
	users := make([]User, 0, len(rows))
	for _, it := range rows {
		if sc.address && strings.HasPrefix(it.ActorSK, first.prefix) {
			continue
		}
		u, err := userOf(it)
		if err != nil {
			return nil, "", err
		}
		users = append(users, u)
	}
	return users, got.Next, nil
}

// ofAddresses returns the rows of the users that addresses belong to, in the order of the addresses.
func (s *Service) ofAddresses(ctx context.Context, client tenant.ID, addresses []store.Item) ([]store.Item, error) {
	sks := make([]string, 0, len(addresses))
	for _, it := range addresses {
		var taken emailTaken
		if err := it.Read(&taken, nil); err != nil {
			return nil, err
		}
		sks = append(sks, keys.User(taken.User))
	}
	return s.Table.BatchGet(ctx, client, sks)
}

var errUserCursor = errors.New("not a cursor of users")

// splitUserCursor returns which of n walks goes on, and the table's cursor in it.
func splitUserCursor(cursor string, n int) (at int, inner string, err error) {
	if cursor == "" {
		return 0, "", nil
	}
	number, inner, ok := strings.Cut(cursor, ".")
	at, err = strconv.Atoi(number)
	if !ok || err != nil || at < 0 || at >= n {
		return 0, "", fmt.Errorf("%w: %w", store.ErrBadQuery, errUserCursor)
	}
	return at, inner, nil
}

// folded returns a text as it is searched by: without case and accents, in compatibility form (Unicode Standard Annex 15, NFKD), with
// single spaces, and cut to what a key has room for.
func folded(text string) string {
	plain := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(strings.ToValidUTF8(text, "")))
	plain = strings.Join(strings.Fields(plain), " ")
	for len(plain) > maxFolded {
		_, n := utf8.DecodeLastRuneInString(plain)
		plain = plain[:len(plain)-n]
	}
	return plain
}
