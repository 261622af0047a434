// Package tenantcred gives each client's data calls credentials that reach nothing else: sessions of a role whose policy pins
// dynamodb:LeadingKeys to the session's tag client_id. A defect of the code above, however bad, then reads one client.
//
//	what a request touches              credentials
//	a client's items                    the data role, tagged with the client
//	platform partitions                 the function's own, whose policy names the platform partitions it may reach
//	both, in one commit                 the registrar role, tagged with the client, under a session policy that names
//	                                    exactly the partitions of this commit
//
// A transaction has one credential, hence the third row. IAM has no condition on sort keys: partitions are as exact as it gets.
package tenantcred

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/dynamo"
	"github.com/nowgo/agents/internal/tenant"
)

// TagClient is the key of the session tag that the roles' policies compare with.
const TagClient = "client_id"

const (
	lifetime = 15 * time.Minute // of a session; the least that STS gives
	early    = time.Minute      // before its end a session is renewed
)

// Config says which roles, and how many sessions to keep.
type Config struct {
	AWS           aws.Config // the function's own; its retries and endpoints are those of every session
	DataRole      string     // ARN
	RegistrarRole string     // ARN; empty where the function never commits both
	Sessions      int        // kept at most, the least used dropped first; 0: 1000
}

// Clients is a [dynamo.Clients] over STS. It may be used concurrently.
type Clients struct {
	sts      stscreds.AssumeRoleAPIClient
	cfg      Config
	own      dynamo.API
	sessions *lru.Cache[string, session]
}

var _ dynamo.Clients = (*Clients)(nil)

// session is a client's credentials and what was made of them. Credentials are fetched when they are first used.
type session struct {
	credentials aws.CredentialsProvider
	api         dynamo.API
}

// New returns the clients. It makes no request.
func New(sts stscreds.AssumeRoleAPIClient, cfg Config) (*Clients, error) {
	if cfg.DataRole == "" {
		return nil, errors.New("tenantcred: no data role")
	}
	if cfg.Sessions == 0 {
		cfg.Sessions = 1000
	}
	sessions, err := lru.New[string, session](cfg.Sessions)
	if err != nil {
		return nil, fmt.Errorf("tenantcred: %w", err)
	}
	return &Clients{sts: sts, cfg: cfg, own: dynamodb.NewFromConfig(cfg.AWS), sessions: sessions}, nil
}

// For is [dynamo.Clients]'s. Errors: [store.ErrBadKey] where client is none, or beside names a partition that is not the
// platform's.
func (c *Clients) For(_ context.Context, client tenant.ID, beside []tenant.ID) (dynamo.API, error) {
	for _, p := range beside {
		if !p.Platform() {
			return nil, fmt.Errorf("%w: %q beside a client", store.ErrBadKey, p)
		}
	}
	if client.Platform() {
		return c.own, nil
	}
	s, err := c.session(client, beside)
	return s.api, err
}

// Credentials returns the credentials of a client's data role, for its files. Errors: [store.ErrBadKey].
func (c *Clients) Credentials(client tenant.ID) (aws.CredentialsProvider, error) {
	s, err := c.session(client, nil)
	return s.credentials, err
}

func (c *Clients) session(client tenant.ID, beside []tenant.ID) (session, error) {
	if _, err := tenant.Parse(string(client)); err != nil { // a tag, and a session's name, must be a client's id and no more
		return session{}, fmt.Errorf("%w: %w", store.ErrBadKey, err)
	}
	partitions := append([]tenant.ID{client}, beside...)
	slices.Sort(partitions[1:])
	key := join(partitions)
	if s, ok := c.sessions.Get(key); ok {
		return s, nil
	}
	role := c.cfg.DataRole
	var policy *string
	if len(beside) > 0 {
		if role = c.cfg.RegistrarRole; role == "" {
			return session{}, errors.New("tenantcred: a commit with rows of the platform, and no registrar role")
		}
		text, err := policyFor(partitions)
		if err != nil {
			return session{}, err
		}
		policy = &text
	}
	s := c.assume(role, client, policy)
	// Two first requests of a client may both come here; the later session replaces the earlier, which stays good.
	c.sessions.Add(key, s)
	return s, nil
}

func (c *Clients) assume(role string, client tenant.ID, policy *string) session {
	provider := stscreds.NewAssumeRoleProvider(c.sts, role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = string(client)
		o.Duration = lifetime
		o.Policy = policy
		o.Tags = []types.Tag{{Key: aws.String(TagClient), Value: aws.String(string(client))}}
	})
	cfg := c.cfg.AWS.Copy()
	cfg.Credentials = aws.NewCredentialsCache(provider, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = early })
	return session{cfg.Credentials, dynamodb.NewFromConfig(cfg)}
}

func join(partitions []tenant.ID) string {
	var b strings.Builder
	for _, p := range partitions {
		b.WriteString(string(p))
		b.WriteByte(0) // no id holds one
	}
	return b.String()
}
