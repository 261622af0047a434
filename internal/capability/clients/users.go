package clients

import (
	"context"
	"time"

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
	Role tenant.Role `query:"role" enum:"client_admin,agent_manager,standard_user" doc:"Only users of this role"`
}

type userID struct {
	UserID string `path:"user_id" maxLength:"64"`
}

func (h handlers) registerUsers() {
	httpapi.Register(h.api, httpapi.Op{ID: "create-user", Summary: "Invite somebody into the own client", Status: 201,
		Errors: []int{409, 422}}, h.invite, func(i identity.Invited) httpapi.Out[Invited] {
		return httpapi.Out[Invited]{Status: 201, ETag: httpapi.ETag(i.User.Version), Location: "/v1/users/" + i.User.ID,
			Body: Invited{user(i.User), invitation(i.Invitation)}}
	})
	httpapi.Register(h.api, httpapi.Op{ID: "list-users", Summary: "List the own client's users, by role and age"},
		h.listUsers, httpapi.Body[httpapi.List[User]])
	httpapi.Register(h.api, httpapi.Op{ID: "get-user", Summary: "Read a user", Errors: []int{404}},
		func(ctx context.Context, in *userID) (identity.User, error) {
			return h.users.GetUser(ctx, own(ctx), in.UserID)
		},
		func(u identity.User) httpapi.Out[User] {
			return httpapi.Out[User]{ETag: httpapi.ETag(u.Version), Body: user(u)}
		})
}

func (h handlers) invite(ctx context.Context, in *invite) (identity.Invited, error) {
	c, err := h.clients.Client(ctx, own(ctx))
	if err != nil {
		return identity.Invited{}, err
	}
	b := in.Body
	if b.Language == "" {
		s, err := h.clients.Settings(ctx, c.ID)
		if err != nil {
			return identity.Invited{}, err
		}
		b.Language = s.DefaultLanguage
	}
	return h.users.Invite(ctx, c.ID, identity.InviteInput{Contact: identity.Contact{Email: b.Email, Name: b.Name},
		Role: b.Role, Language: b.Language, ClientName: c.Name})
}

func (h handlers) listUsers(ctx context.Context, in *userQuery) (httpapi.List[User], error) {
	return httpapi.Page(ctx, h.api, in.PageQuery, "role="+string(in.Role), func(limit int, cursor string) ([]identity.User, string, error) {
		page, err := h.users.ListUsers(ctx, own(ctx), in.Role, limit, cursor)
		return page.Items, page.Next, err
	}, user)
}

func user(u identity.User) User { return User{u.ID, u.Email, u.Name, u.Role, u.Status, u.CreatedAt} }
