package dynamo

import (
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// DecodeImage returns the partition and the item of an image in a record of the table's stream. It fails on an image that is
// not a whole row of this table, and never panics.
func DecodeImage(image map[string]events.DynamoDBAttributeValue) (tenant.ID, store.Item, error) {
	client, ok := imageRow(image).text(attrClient)
	if !ok || client == "" {
		return "", store.Item{}, fmt.Errorf("store/dynamo: an image without %s", attrClient)
	}
	it, err := decodeItem(imageRow(image))
	if err != nil {
		return "", store.Item{}, err
	}
	return tenant.ID(client), it, nil
}

// imageRow reads an image. The accessors of its values panic on another type, hence the look at the type first.
type imageRow map[string]events.DynamoDBAttributeValue

func (r imageRow) text(name string) (string, bool) {
	v, ok := r[name]
	if !ok || v.DataType() != events.DataTypeString {
		return "", false
	}
	return v.String(), true
}

func (r imageRow) number(name string) (string, bool) {
	v, ok := r[name]
	if !ok || v.DataType() != events.DataTypeNumber {
		return "", false
	}
	return v.Number(), true
}
