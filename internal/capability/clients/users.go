package clients

import (
	"context"
	"net/url"
	"time"

	"github.com/nowgo/agents/internal/client"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/tenant"
)

// User is a user as the API shows it.
type User struct {
	ID        string          `json:"id"`
	Email     string          `json:"email" format:"email"`
	Name      string          `json:"name"`
	Role      tenant.Role     `json:"role" enum:"client_admin,agent_manager,standard_user"`
	Status    identity.Status `json:"status" enum:"invited,active,disabled"`
	Within    []string        `json:"within,omitempty" doc:"The profiles and agents that an agent manager is limited to; absent: all"`
	CreatedAt time.Time       `json:"created_at"`
}

// Invited is a new user with the invitation.
type Invited struct {
	User
	Invitation Invitation `json:"invitation"`
}

type invite struct {
	Body struct {
		Email    string      `json:"email" format:"email" maxLength:"254" example:"rui@lojaazul.example"`
		Name     string      `json:"name" minLength:"1" maxLength:"120" example:"Rui"`
		Role     tenant.Role `json:"role" enum:"client_admin,agent_manager,standard_user"`
		Language string      `json:"language,omitempty" enum:"pt-BR,en" doc:"Of the mail; the client's default where absent"`
	}
}

type userQuery struct {
	httpapi.PageQuery
	Search string          `query:"q" maxLength:"64" doc:"The beginning of the name or of the email, whatever its case and accents"`
	Role   tenant.Role     `query:"role" enum:"client_admin,agent_manager,standard_user" doc:"Only users of this role"`
	Status identity.Status `query:"status" enum:"invited,active,disabled" doc:"Only users of this status"`
}

// ByUser names the user that the operation is upon; exported for the input types that embed it.
type ByUser struct {
	UserID string `path:"user_id" maxLength:"64"`
}

type updateUser struct {
	ByUser
	httpapi.Precondition
	Body struct {
		Name   *string          `json:"name,omitempty" minLength:"1" maxLength:"120"`
		Role   *tenant.Role     `json:"role,omitempty" enum:"client_admin,agent_manager,standard_user"`
		Status *identity.Status `json:"status,omitempty" enum:"active,disabled"`
		Within *[]string        `json:"within,omitempty" maxItems:"20" doc:"The profiles and agents that an agent manager is limited to; empty: all"`
	}
}

type removeUser struct {
	ByUser
	httpapi.Precondition
}

func (h handlers) registerUsers() {
	httpapi.Register(h.api, httpapi.Op{ID: "create-user", Summary: "Invite somebody into the own client", Status: 201,
		Errors: []int{409, 422}}, h.invite, func(i identity.Invited) httpapi.Out[Invited] {
		out := invited(i)
		out.Location = "/v1/users/" + i.User.ID
		return out
	})
	httpapi.Register(h.api, httpapi.Op{ID: "list-users", Summary: "List or search the own client's users",
		Description: "All are listed by role and age. A search lists those whose name begins so, then those whose email does. A page can be " +
			"shorter than asked for, even empty, before the end: only a null next_cursor is the end."},
		h.listUsers, httpapi.Body[httpapi.List[User]])
	httpapi.Register(h.api, httpapi.Op{ID: "get-user", Summary: "Read a user", Errors: []int{404}},
		func(ctx context.Context, in *ByUser) (identity.User, error) {
			return h.users.GetUser(ctx, own(ctx), in.UserID)
		}, shownUser)
	httpapi.Register(h.api, httpapi.Op{ID: "update-user", Summary: "Change a user's name, role, status or limits",
		Description: "Disabling a user ends its sessions. The last active administrator can be neither demoted nor disabled.",
		Errors:      []int{404, 409, 412, 422, 428}}, h.updateUser, shownUser)
	httpapi.RegisterEmpty(h.api, httpapi.Op{ID: "remove-user", Summary: "Take a user out of the client",
		Description: "Its sessions end. What it made stays, its API keys among it: they belong to the client; revoke those that should not " +
			"go on working. The person keeps their login where another client has them. The last active administrator cannot be removed.",
		Errors: []int{404, 409, 412, 428}}, h.removeUser)
	httpapi.Register(h.api, httpapi.Op{ID: "resend-invitation", Summary: "Invite a user who has not accepted once more", Status: 201,
		Description: "The invitation before is dead from then on, whether it had run out or not. The mail is in the same language.",
		Errors:      []int{404, 409}}, h.resend, invited)
	httpapi.RegisterEmpty(h.api, httpapi.Op{ID: "revoke-invitation", Summary: "Take an invitation away, and its user",
		Description: "If-Match takes the user's ETag.", Errors: []int{404, 409, 412, 428}}, h.revoke)
	httpapi.Register(h.api, httpapi.Op{ID: "invite-administrator", Summary: "Invite an administrator of a client", Status: 201,
		Description: "For a client whose administrator's invitation got lost or ran out. One under way to the same address is replaced.",
		Errors:      []int{404, 409, 422}}, h.inviteAdministrator, invited)
}

func (h handlers) invite(ctx context.Context, in *invite) (identity.Invited, error) {
	b := in.Body
	c, language, err := h.addressed(ctx, own(ctx), b.Language)
	if err != nil {
		return identity.Invited{}, err
	}
	return h.users.Invite(ctx, c.ID, identity.InviteInput{Contact: identity.Contact{Email: b.Email, Name: b.Name},
		Role: b.Role, Language: language, ClientName: c.Name})
}

// addressed returns a client and the language to write to its people in: the given one, or its default.
func (h handlers) addressed(ctx context.Context, id tenant.ID, language string) (client.Client, string, error) {
	c, err := h.clients.Client(ctx, id)
	if err != nil || language != "" {
		return c, language, err
	}
	s, err := h.clients.Settings(ctx, id)
	return c, s.DefaultLanguage, err
}

func (h handlers) resend(ctx context.Context, in *ByUser) (identity.Invited, error) {
	c, language, err := h.addressed(ctx, own(ctx), "")
	if err != nil {
		return identity.Invited{}, err
	}
	return h.users.ResendInvitation(ctx, c.ID, in.UserID, identity.Resend{Language: language, ClientName: c.Name})
}

func (h handlers) revoke(ctx context.Context, in *removeUser) (any, error) {
	seen, err := in.Seen()
	if err != nil {
		return nil, err
	}
	return nil, h.users.RevokeInvitation(ctx, own(ctx), in.UserID, seen)
}

func (h handlers) updateUser(ctx context.Context, in *updateUser) (identity.User, error) {
	seen, err := in.Seen()
	if err != nil {
		return identity.User{}, err
	}
	b := in.Body
	return h.users.UpdateUser(ctx, own(ctx), in.UserID, seen, identity.UserPatch{Name: b.Name, Role: b.Role, Status: b.Status, Within: b.Within})
}

func (h handlers) removeUser(ctx context.Context, in *removeUser) (any, error) {
	seen, err := in.Seen()
	if err != nil {
		return nil, err
	}
	return nil, h.users.RemoveUser(ctx, own(ctx), in.UserID, seen)
}

func (h handlers) listUsers(ctx context.Context, in *userQuery) (httpapi.List[User], error) {
	query := url.Values{"q": {in.Search}, "role": {string(in.Role)}, "status": {string(in.Status)}}.Encode()
	return httpapi.Page(ctx, h.api, in.PageQuery, query, func(limit int, cursor string) ([]identity.User, string, error) {
		page, err := h.users.ListUsers(ctx, own(ctx), identity.UserQuery{Text: in.Search, Role: in.Role, Status: in.Status,
			Limit: limit, Cursor: cursor})
		return page.Items, page.Next, err
	}, user)
}

func shownUser(u identity.User) httpapi.Out[User] {
	return httpapi.Out[User]{ETag: httpapi.ETag(u.Version), Body: user(u)}
}

func invited(i identity.Invited) httpapi.Out[Invited] {
	return httpapi.Out[Invited]{Status: 201, ETag: httpapi.ETag(i.User.Version), Body: Invited{user(i.User), invitation(i.Invitation)}}
}

func user(u identity.User) User {
	return User{u.ID, u.Email, u.Name, u.Role, u.Status, u.Within.List(), u.CreatedAt}
}
