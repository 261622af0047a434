package dynamo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// Query is [store.Table]'s. It is one request, but where a page lies wholly at an excluded bound.
func (t *Table) Query(ctx context.Context, client tenant.ID, q store.Query) (store.Page, error) {
	if err := store.CheckQuery(client, q); err != nil {
		return store.Page{}, err
	}
	within := spanOf(q)
	from, err := within.startOf(client, q)
	if err != nil {
		return store.Page{}, err
	}
	if within.empty() {
		return store.Page{}, ctx.Err()
	}
	api, err := t.clients.For(ctx, client, nil)
	if err != nil {
		return store.Page{}, failed(ctx, "query", err)
	}
	in := t.queryInput(client, q, within)
	for {
		in.ExclusiveStartKey = from
		out, err := api.Query(ctx, in)
		if err != nil {
			return store.Page{}, failed(ctx, "query", err)
		}
		t.meterRead("Query", out.ConsumedCapacity)
		page, err := within.page(out.Items, q.Index)
		if err != nil || len(out.LastEvaluatedKey) == 0 {
			return page, err
		}
		sk, key := position(out.LastEvaluatedKey, q.Index)
		switch side := within.side(key); {
		case side == 0:
			page.Next = encodeCursor(client, q, key, sk)
			return page, nil
		case (side > 0) != q.Descending: // past the end of the span
			return page, nil
		}
		from = out.LastEvaluatedKey // still before its beginning
	}
}

func (t *Table) queryInput(client tenant.ID, q store.Query, within span) *dynamodb.QueryInput {
	in := &dynamodb.QueryInput{
		TableName:              &t.cfg.Table,
		Limit:                  aws.Int32(int32(q.Limit)),
		ScanIndexForward:       aws.Bool(!q.Descending),
		FilterExpression:       aws.String(isLive),
		ReturnConsumedCapacity: t.consumed(),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":client": str(string(client)), ":now": num(t.cfg.System.Now().Unix())},
		ExpressionAttributeNames: map[string]string{"#key": keyAttr(q.Index)},
	}
	if q.Index == store.Main {
		in.ConsistentRead = aws.Bool(true)
	} else {
		in.IndexName = aws.String(string(q.Index))
	}
	condition, values := within.condition()
	in.KeyConditionExpression = aws.String(attrClient + " = :client AND " + condition)
	for name, text := range values {
		in.ExpressionAttributeValues[name] = str(text)
	}
	return in
}

func keyAttr(index store.Index) string {
	switch index {
	case store.ByParent:
		return attrParent
	case store.ByActor:
		return attrActor
	default:
		return attrSK
	}
}

// span is the keys that a query asks for: those that begin with prefix, from low on, below high.
type span struct {
	prefix, low string
	high        string // excluded; empty: no bound
}

func spanOf(q store.Query) span {
	s := span{prefix: q.Prefix, low: max(q.Prefix, q.From), high: successor(q.Prefix)}
	if q.To != "" && (s.high == "" || q.To < s.high) {
		s.high = q.To
	}
	return s
}

// successor returns the least text that is above every text with the prefix, or nothing where there is none: the prefix with
// its last code point raised by one. Bytes of UTF-8 sort as code points do.
func successor(prefix string) string {
	for prefix != "" {
		r, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		if r == utf8.MaxRune {
			continue
		}
		r++
		if r == 0xD800 { // surrogates are no characters
			r = 0xE000
		}
		return prefix + string(r)
	}
	return ""
}

func (s span) empty() bool { return s.high != "" && s.low >= s.high }

// side says where key lies: below the span (-1), in it (0) or above it (1).
func (s span) side(key string) int {
	switch {
	case key < s.low:
		return -1
	case s.high != "" && key >= s.high:
		return 1
	default:
		return 0
	}
}

// condition returns the span as the one condition that DynamoDB takes on a sort key. BETWEEN includes its bounds, so the
// answer can hold items at high; they are dropped.
func (s span) condition() (expression string, values map[string]string) {
	switch {
	case s.low == s.prefix && s.high == successor(s.prefix):
		return "begins_with(#key, :low)", map[string]string{":low": s.low}
	case s.high == "" || len(s.high) > store.MaxKey:
		return "#key >= :low", map[string]string{":low": s.low}
	default:
		return "#key BETWEEN :low AND :high", map[string]string{":low": s.low, ":high": s.high}
	}
}

// page returns the items of rows that lie in the span.
func (s span) page(rows []map[string]types.AttributeValue, index store.Index) (store.Page, error) {
	items := make([]store.Item, 0, len(rows))
	for _, r := range rows {
		if key, _ := row(r).text(keyAttr(index)); s.side(key) != 0 {
			continue
		}
		it, err := decode(r)
		if err != nil {
			return store.Page{}, err
		}
		items = append(items, it)
	}
	return store.Page{Items: slices.Clip(items)}, nil
}

// startOf returns the key that the query's cursor stands on, nil without a cursor.
func (s span) startOf(client tenant.ID, q store.Query) (map[string]types.AttributeValue, error) {
	if q.Cursor == "" {
		return nil, nil
	}
	key, sk, err := decodeCursor(client, q)
	if err != nil {
		return nil, err
	}
	if s.side(key) != 0 || !strings.HasPrefix(key, s.prefix) || store.CheckKey(client, sk) != nil || store.CheckKey(client, key) != nil {
		return nil, fmt.Errorf("%w: cursor outside of the query", store.ErrBadQuery)
	}
	from := rowKey(client, sk) // INVARIANT 1: the partition is the caller's, whatever the cursor says
	if q.Index != store.Main {
		from[keyAttr(q.Index)] = str(key)
	}
	return from, nil
}

func position(last map[string]types.AttributeValue, index store.Index) (sk, key string) {
	sk, _ = row(last).text(attrSK)
	key, _ = row(last).text(keyAttr(index))
	return sk, key
}
