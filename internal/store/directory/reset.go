package directory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// Reset is the latest request to set a login's password anew. There is one row for each login, so that a new one ends the one before.
type Reset struct {
	ID         string // rst_…
	SecretHash string // SHA-256 of the link's secret, in hexadecimal
	ExpiresAt  time.Time
	Version    int64 // 0: there is none
}

// Login is what is kept of an address: who signs in with it, and a password reset under way. What is absent is zero.
type Login struct {
	Person Person
	Reset  Reset
}

// resetRow is the id of a login's one reset.
const resetRow = "latest"

type resetData struct {
	ID         string `json:"id"`
	SecretHash string `json:"secret_hash"`
}

// LoginOf returns how links name the login of a normalized address: its SHA-256, in hexadecimal.
func LoginOf(email string) string {
	sum := sha256.Sum256([]byte(email))
	return hex.EncodeToString(sum[:])
}

// Login returns what is kept of a login, in one read whether there is anything or not. Errors: store.ErrNotFound for what cannot be the
// name of a login, those of the table.
func (d *Directory) Login(ctx context.Context, login string) (Login, error) {
	partition, err := loginNamed(login)
	if err != nil {
		return Login{}, err
	}
	rows, err := d.table.BatchGet(ctx, partition, []string{keys.Person, keys.Reset(resetRow)})
	if err != nil {
		return Login{}, fmt.Errorf("directory: login: %w", err)
	}
	var l Login
	for _, it := range rows {
		if it.SK == keys.Person {
			l.Person, err = personOf(it)
		} else {
			var r resetData
			err = it.Read(nil, &r)
			l.Reset = Reset{r.ID, r.SecretHash, it.ExpiresAt, it.Version}
		}
		if err != nil {
			return Login{}, fmt.Errorf("directory: login: %w", err)
		}
	}
	return l, nil
}

// PutReset returns the change that makes r the login's reset, in place of the one at r.Version, or where there is none if that is 0.
func (d *Directory) PutReset(login string, r Reset) store.Change {
	partition, err := loginNamed(login)
	it, rowErr := store.Row(keys.Reset(resetRow), 1, nil, resetData{r.ID, r.SecretHash})
	it.ExpiresAt = r.ExpiresAt
	if r.Version == 0 {
		return in(partition, store.Create(it), errors.Join(err, rowErr))
	}
	return in(partition, store.Update(it, r.Version), errors.Join(err, rowErr))
}

// EndReset returns the change that takes the login's reset away; the condition is that it is still at r.Version.
func (d *Directory) EndReset(login string, r Reset) store.Change {
	partition, err := loginNamed(login)
	return in(partition, store.Delete(keys.Reset(resetRow), r.Version), err)
}

func loginNamed(name string) (tenant.ID, error) {
	if raw, err := hex.DecodeString(name); err != nil || len(raw) != sha256.Size || hex.EncodeToString(raw) != name {
		return "", fmt.Errorf("directory: login: %w", store.ErrNotFound)
	}
	return tenant.ID(loginPartition + name), nil
}
