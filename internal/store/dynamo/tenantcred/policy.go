package tenantcred

import (
	"encoding/json"
	"fmt"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// maxPolicy is the most characters that STS takes in a session policy (AssumeRole, Policy).
const maxPolicy = 2048

type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Effect    string
	Action    []string
	Resource  string
	Condition map[string]map[string]any `json:",omitempty"`
}

// policyFor returns a session policy for a transaction upon items of exactly these partitions. It only narrows: what it allows
// on any resource, the role allows on its table and its key alone. A request that names no key would satisfy ForAllValues,
// hence the Null beside it.
func policyFor(partitions []tenant.ID) (string, error) {
	b, err := json.Marshal(policy{Version: "2012-10-17", Statement: []statement{
		{Effect: "Allow", Resource: "*",
			Action: []string{"dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
			Condition: map[string]map[string]any{
				"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": partitions},
				"Null":                      {"dynamodb:LeadingKeys": "false"},
			}},
		{Effect: "Allow", Resource: "*", Action: []string{"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"}},
	}})
	if err != nil {
		return "", fmt.Errorf("tenantcred: policy: %w", err)
	}
	if len(b) > maxPolicy {
		return "", fmt.Errorf("%w: %d partitions in one commit", store.ErrTooMany, len(partitions))
	}
	return string(b), nil
}
