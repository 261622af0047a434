package identity

import (
	"errors"
	"time"

	"github.com/nowgo/agents/internal/system"
)

// The schedule of the signing keys.
const (
	KeyPeriod    = 30 * 24 * time.Hour // for which a key signs
	KeyAnnounced = 2 * time.Hour       // for which it is published before: at least the hour that verifiers elsewhere may keep a JWK set
	KeyOverlap   = 2 * time.Hour       // for which it is published after: more than [MaxTokenLifetime], and clocks that differ
	keyHandover  = 5 * time.Minute     // after which a key that no longer signs loses its private part
)

// The steps of a key's life.
const (
	KeyAnnouncement = "announced" // it is published, and will sign
	KeyActivation   = "activated" // it signs; the one before no longer can
	KeyRetirement   = "retired"   // it is gone, and so is every token that it signed
)

// ErrKeysMoved is returned by those who keep a key document for a replacement of a version that is no longer the current one.
var ErrKeysMoved = errors.New("identity: the keys were changed by somebody else")

// Rotation is one step of a rotation.
type Rotation struct {
	Step    string
	Key     string // its id
	SignsAt time.Time
	Keys    []string // ids of all keys that are published after it
}

// RotateKeys returns the key document that follows from the schedule at the system's time, with the steps between the two; nil where
// nothing is due. What it does depends on the document and the time alone, so a run that was missed is made good by the next. It returns
// [ErrKeys] for what is no key document.
func RotateKeys(document []byte, sys system.System) ([]byte, []Rotation, error) {
	set, err := ParseKeys(document)
	if err != nil {
		return nil, nil, err
	}
	now := sys.Now()
	signs := set.signer(now)
	keys, steps := retire(set.keys, now)
	keys, activated := activate(keys, signs, now)
	steps = append(steps, activated...)
	if last := keys[len(keys)-1]; !last.signsAt.After(signs.signsAt) && now.Sub(signs.signsAt) >= KeyPeriod {
		next, err := newSigningKey(sys.Random, now.Add(KeyAnnounced).Truncate(time.Second))
		if err != nil {
			return nil, nil, err
		}
		keys = append(keys, next)
		steps = append(steps, Rotation{Step: KeyAnnouncement, Key: next.id, SignsAt: next.signsAt})
	}
	if len(steps) == 0 {
		return nil, nil, nil
	}
	for i := range steps {
		steps[i].Keys = (&KeySet{keys: keys}).IDs()
	}
	next, err := encodeKeys(keys)
	return next, steps, err
}

// retire returns the keys without those that have retired.
func retire(all []signingKey, now time.Time) (left []signingKey, steps []Rotation) {
	for _, k := range all {
		if !k.retires.IsZero() && !now.Before(k.retires) {
			steps = append(steps, Rotation{Step: KeyRetirement, Key: k.id, SignsAt: k.signsAt})
			continue
		}
		left = append(left, k)
	}
	return left, steps
}

// activate returns the keys with the private parts of those deleted that the signing one has taken over from.
func activate(all []signingKey, signs *signingKey, now time.Time) (left []signingKey, steps []Rotation) {
	for _, k := range all {
		if k.private != nil && k.signsAt.Before(signs.signsAt) && now.Sub(signs.signsAt) >= keyHandover {
			k.private = nil
			if len(steps) == 0 {
				steps = append(steps, Rotation{Step: KeyActivation, Key: signs.id, SignsAt: signs.signsAt})
			}
		}
		left = append(left, k)
	}
	return left, steps
}
