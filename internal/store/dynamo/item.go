package dynamo

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// The attributes of a row.
const (
	attrClient  = "client_id"
	attrSK      = "sk"
	attrParent  = "parent_sk"
	attrActor   = "actor_sk"
	attrVersion = "version"
	attrSchema  = "schema"
	attrExpires = "expires_at"
	attrSummary = "summary"
	attrData    = "data"
)

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func num(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func rowKey(client tenant.ID, sk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{attrClient: str(string(client)), attrSK: str(sk)}
}

// encode returns the row of an item at the given version.
func encode(client tenant.ID, it store.Item, version int64) map[string]types.AttributeValue {
	row := rowKey(client, it.SK)
	row[attrVersion] = num(version)
	row[attrSchema] = num(int64(it.Schema))
	for name, text := range map[string]string{attrParent: it.ParentSK, attrActor: it.ActorSK, attrSummary: string(it.Summary), attrData: string(it.Data)} {
		if text != "" {
			row[name] = str(text)
		}
	}
	if !it.ExpiresAt.IsZero() {
		row[attrExpires] = num(it.ExpiresAt.Unix())
	}
	return row
}

// reader gives the attributes of a row: their text and whether they are there as a string or as a number.
type reader interface {
	text(name string) (value string, ok bool)
	number(name string) (value string, ok bool)
}

type row map[string]types.AttributeValue

func (r row) text(name string) (string, bool) {
	v, ok := r[name].(*types.AttributeValueMemberS)
	if !ok {
		return "", false
	}
	return v.Value, true
}

func (r row) number(name string) (string, bool) {
	v, ok := r[name].(*types.AttributeValueMemberN)
	if !ok {
		return "", false
	}
	return v.Value, true
}

func decode(attributes map[string]types.AttributeValue) (store.Item, error) {
	return decodeItem(row(attributes))
}

// decodeItem returns the item of a row, or of what an index projects of it.
func decodeItem(r reader) (store.Item, error) {
	sk, ok := r.text(attrSK)
	if !ok {
		return store.Item{}, fmt.Errorf("store/dynamo: a row without %s", attrSK)
	}
	it := store.Item{SK: sk}
	it.ParentSK, _ = r.text(attrParent)
	it.ActorSK, _ = r.text(attrActor)
	if s, ok := r.text(attrSummary); ok {
		it.Summary = json.RawMessage(s)
	}
	if s, ok := r.text(attrData); ok {
		it.Data = json.RawMessage(s)
	}
	version, err := integer(r, attrVersion)
	if err != nil || version < 1 {
		return store.Item{}, fmt.Errorf("store/dynamo: row %q: version %d: %w", sk, version, orMissing(err))
	}
	schema, err := integer(r, attrSchema)
	if err != nil {
		return store.Item{}, fmt.Errorf("store/dynamo: row %q: %w", sk, err)
	}
	it.Version, it.Schema = version, int(schema)
	if _, expires := r.number(attrExpires); expires {
		at, err := integer(r, attrExpires)
		if err != nil {
			return store.Item{}, fmt.Errorf("store/dynamo: row %q: %w", sk, err)
		}
		it.ExpiresAt = time.Unix(at, 0).UTC()
	}
	return it, nil
}

// integer returns a whole number, 0 where the attribute is absent.
func integer(r reader, name string) (int64, error) {
	s, ok := r.number(name)
	if !ok {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("attribute %s: %w", name, err)
	}
	return n, nil
}

func orMissing(err error) error {
	if err == nil {
		return errMissing
	}
	return err
}
