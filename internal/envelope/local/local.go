// Package local derives data keys from the platform's own secret, for deployments without a key service: each from the secret, a salt of its
// own and the encryption context (HKDF, RFC 5869). Who has the secret's file and the table can read everything; keep them, and their
// backups, apart.
package local

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/nowgo/agents/internal/envelope"
	"github.com/nowgo/agents/internal/system"
)

const (
	scheme    = 'L'
	idBytes   = 8  // of a master's name in a wrapped key
	saltBytes = 32 // of a data key
	minSecret = 32
)

// Keys is an [envelope.Keys]: a wrapped key is the name of the master it is derived from and its salt.
type Keys struct {
	random  io.Reader
	current master
	all     map[[idBytes]byte]master
}

var _ envelope.Keys = (*Keys)(nil)

type master struct {
	id     [idBytes]byte
	secret []byte
}

// New returns the sealer of a secret of 32 bytes or more. Previous secrets open what was sealed before a rotation; nothing new is
// sealed with them.
func New(sys system.System, secret []byte, previous ...[]byte) (*envelope.Box, error) {
	keys := &Keys{random: sys.Random, all: map[[idBytes]byte]master{}}
	for i, s := range append([][]byte{secret}, previous...) {
		m, err := newMaster(s)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			keys.current = m
		}
		keys.all[m.id] = m
	}
	return envelope.NewBox(keys, sys.Random), nil
}

func newMaster(secret []byte) (master, error) {
	if len(secret) < minSecret {
		return master{}, errors.New("envelope: the platform's secret has fewer than 32 bytes")
	}
	name, err := hkdf.Key(sha256.New, secret, nil, "nowgo envelope master name v1", idBytes)
	if err != nil {
		return master{}, fmt.Errorf("envelope: %w", err)
	}
	return master{[idBytes]byte(name), secret}, nil
}

// Scheme implements [envelope.Keys].
func (*Keys) Scheme() byte { return scheme }

// New implements [envelope.Keys]: every key is new.
func (k *Keys) New(ctx context.Context, of envelope.Context) (envelope.DataKey, error) {
	if err := ctx.Err(); err != nil {
		return envelope.DataKey{}, err
	}
	wrapped := make([]byte, idBytes+saltBytes)
	copy(wrapped, k.current.id[:])
	if _, err := io.ReadFull(k.random, wrapped[idBytes:]); err != nil {
		return envelope.DataKey{}, fmt.Errorf("envelope: salt: %w", err)
	}
	key, err := k.current.key(of, wrapped[idBytes:])
	return envelope.DataKey{Key: key, Wrapped: wrapped}, err
}

// Unwrap implements [envelope.Keys].
func (k *Keys) Unwrap(ctx context.Context, of envelope.Context, wrapped []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(wrapped) != idBytes+saltBytes {
		return nil, envelope.ErrOpen
	}
	m, known := k.all[[idBytes]byte(wrapped[:idBytes])]
	if !known {
		return nil, fmt.Errorf("%w: sealed under a secret that this process was not given", envelope.ErrOpen)
	}
	return m.key(of, wrapped[idBytes:])
}

func (m master) key(of envelope.Context, salt []byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, m.secret, salt, "nowgo envelope data key v1\x00"+string(of.Bytes()), envelope.KeyBytes)
	if err != nil {
		return nil, fmt.Errorf("envelope: data key: %w", err)
	}
	return key, nil
}
