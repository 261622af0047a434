package dynamo

import "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

// consumed asks for the consumed capacity only where somebody listens.
func (t *Table) consumed() types.ReturnConsumedCapacity {
	if t.cfg.Meter == nil {
		return ""
	}
	return types.ReturnConsumedCapacityTotal
}

func (t *Table) meterRead(operation string, c *types.ConsumedCapacity) {
	if t.cfg.Meter != nil && c != nil && c.CapacityUnits != nil {
		t.cfg.Meter(operation, *c.CapacityUnits, 0)
	}
}

func (t *Table) meterWrite(operation string, c *types.ConsumedCapacity) {
	if t.cfg.Meter != nil && c != nil && c.CapacityUnits != nil {
		t.cfg.Meter(operation, 0, *c.CapacityUnits)
	}
}
