package identity

import (
	"context"

	"github.com/nowgo/agents/internal/store/directory"
)

// rehashed returns the person with a hash of today's cost where theirs is of a lower one, and whether it is. The password must be the
// one that was just verified. The second hash takes time, which only somebody who knows the password can see.
//
// The change of the person belongs into the commit that lets them in, beside the session. Where the person was changed meanwhile that
// commit is lost and the sign-in begins again: what they are by then decides, and may need no new hash.
func (s *Service) rehashed(ctx context.Context, p directory.Person, password string) (directory.Person, bool, error) {
	if !s.Hasher.Outdated(p.PasswordHash) {
		return p, false, nil
	}
	normal, _ := normalizePassword(password)
	hash, err := s.Hasher.Hash(ctx, normal)
	if err != nil {
		return p, false, err
	}
	p.PasswordHash = hash
	return p, true, nil
}
