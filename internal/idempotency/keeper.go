package idempotency

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

// Keeper finds what was kept. It may be used concurrently.
type Keeper struct {
	table  store.Table
	system system.System
	secret []byte
}

// NewKeeper returns a keeper of records in the table. The secret is at least 16 bytes, the same in every process.
func NewKeeper(table store.Table, sys system.System, secret []byte) *Keeper {
	return &Keeper{table: table, system: sys, secret: secret}
}

// Request is what is repeated.
type Request struct {
	Partition tenant.ID // where the record is kept: the caller's client, or a platform partition for a global administrator
	Call      tenant.Call
	Key       string
	Content   []byte // canonical form of path, query and body
}

// CheckKey returns an Invalid error, code `invalid_idempotency_key`, unless key is 1 to 255 visible ASCII characters.
func CheckKey(key string) error {
	ok := len(key) >= 1 && len(key) <= MaxKey
	for i := 0; ok && i < len(key); i++ {
		ok = key[i] > ' ' && key[i] < 0x7f
	}
	if !ok {
		return fault.New("idempotency.CheckKey", fault.Invalid, "invalid_idempotency_key")
	}
	return nil
}

// Begin looks for the request's record. It returns the kept reply where the request was answered before, otherwise the
// pending request to put into the context with [With].
//
// Errors: Unprocessable `idempotency_key_reused` where the key came with another content; Conflict `idempotency_in_progress`,
// with RetryAfter, where the first request is still being served; Internal and Unavailable.
func (k *Keeper) Begin(ctx context.Context, r Request) (*Pending, *Reply, error) {
	s, err := newSeal(k.secret, r.Key)
	if err != nil {
		return nil, nil, fault.Wrap("idempotency.Begin", fault.Internal, "internal", err)
	}
	p := &Pending{keeper: k, partition: r.Partition, sk: keys.Idempotency(scope(r.Call, r.Key)), seal: s}
	p.fingerprint = s.fingerprint(r.Content)
	reply, err := k.find(ctx, p)
	if err != nil || reply != nil {
		return nil, reply, err
	}
	return p, nil, nil
}

// Settle is asked when serving p ended in an error: another request with the same key may have been faster, and its answer is
// then the answer of both. It returns nil where there is none, and an error as [Keeper.Begin] where the other is not done.
func (k *Keeper) Settle(ctx context.Context, p *Pending) (*Reply, error) {
	p.mu.Lock()
	lost, own, done := p.lost, p.version, p.done
	p.mu.Unlock()
	if done {
		return nil, nil // what failed came after the commit with the answer
	}
	other := &Pending{keeper: k, partition: p.partition, sk: p.sk, seal: p.seal, fingerprint: p.fingerprint}
	reply, err := k.find(ctx, other)
	if err != nil && !lost && other.version == own {
		return nil, nil // it is this request's own record, still running
	}
	return reply, err
}

// find reads the record of p and fills in its version and note.
func (k *Keeper) find(ctx context.Context, p *Pending) (*Reply, error) {
	const op = "idempotency.find"
	it, err := k.table.Get(ctx, p.partition, p.sk)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, store.Fault(op, err)
	}
	var rec record
	if err := it.Read(nil, &rec); err != nil {
		return nil, fault.Wrap(op, fault.Internal, "internal", err)
	}
	if !hmac.Equal(rec.Fingerprint, p.fingerprint) {
		return nil, fault.New(op, fault.Unprocessable, "idempotency_key_reused")
	}
	body, err := p.seal.open(p.sk, rec.Sealed)
	if err != nil {
		return nil, fault.Wrap(op, fault.Internal, "internal", err)
	}
	if rec.State == stateDone {
		if body.Reply == nil {
			return nil, fault.Wrap(op, fault.Internal, "internal", fmt.Errorf("record %q has no reply", p.sk))
		}
		return body.Reply, nil
	}
	p.version, p.stale, p.progress = it.Version, true, body.Note
	if left := rec.Until.Sub(k.system.Now()); left > 0 {
		e := fault.New(op, fault.Conflict, "idempotency_in_progress")
		e.RetryAfter = left.Round(time.Second) + time.Second
		return nil, e
	}
	return nil, nil
}

// scope is the hash of client, principal, operation and key, each preceded by its length so that no two scopes are alike.
func scope(c tenant.Call, key string) string {
	h := sha256.New()
	for _, part := range []string{string(c.Principal.Client), c.Principal.User, c.Operation, key} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	return hex.EncodeToString(h.Sum(nil))
}
