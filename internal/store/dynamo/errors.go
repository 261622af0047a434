package dynamo

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/nowgo/agents/internal/store"
)

var errMissing = errors.New("the attribute is missing")

// failed turns an error of a request into one of the port: the context's own where that has ended, [store.ErrUnavailable]
// where asking again may help, and otherwise the cause (a missing table, a denied action), which is a defect of the set-up.
func failed(ctx context.Context, op string, err error) error {
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("store/dynamo: %s: %w", op, cause)
	}
	if passing(err) {
		return fmt.Errorf("%w: %s: %w", store.ErrUnavailable, op, err)
	}
	return fmt.Errorf("store/dynamo: %s: %w", op, err)
}

// passing reports whether err is of the kind that passes: throttling, a fault of the service, a network that fails.
func passing(err error) bool {
	var api smithy.APIError
	if errors.As(err, &api) && (throttles(api.ErrorCode()) || api.ErrorFault() == smithy.FaultServer) {
		return true
	}
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.HTTPStatusCode() >= 500 {
		return true
	}
	if api != nil {
		return false
	}
	var (
		sending *smithyhttp.RequestSendError
		network net.Error
	)
	return errors.As(err, &sending) || errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF)
}

// throttles reports whether the code of an error, or of a transaction's cancellation, is that of too many requests.
func throttles(code string) bool {
	switch code {
	case "ProvisionedThroughputExceededException", "ProvisionedThroughputExceeded", "ThrottlingException", "ThrottlingError",
		"Throttling", "RequestLimitExceeded", "LimitExceededException":
		return true
	}
	return false
}

// canceled says what became of a transaction that was canceled.
type canceled uint8

const (
	forGood   canceled = iota // a defect: the request can never succeed
	byOther                   // another transaction was in the way
	throttled                 // too many requests
	unmet                     // a condition does not hold
)

// verdict reads the reasons, which come in the order of the actions. A condition that fails outweighs the rest; index is the
// first action that is concerned.
func verdict(reasons []types.CancellationReason) (what canceled, index int) {
	for i, r := range reasons {
		var now canceled
		switch code := deref(r.Code); {
		case code == "None" || code == "":
			continue
		case code == "ConditionalCheckFailed":
			return unmet, i
		case code == "TransactionConflict":
			now = byOther
		case throttles(code):
			now = throttled
		default:
			return forGood, i
		}
		if what == forGood {
			what, index = now, i
		}
	}
	return what, index
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

const (
	maxTries  = 10
	firstWait = 10 * time.Millisecond
	maxWait   = 640 * time.Millisecond
)

// pause waits before the given retry (1, 2, …): a random time up to a bound that doubles, so that rivals part.
func (t *Table) pause(ctx context.Context, try int) error {
	bound := min(firstWait<<min(try-1, 10), maxWait)
	var b [8]byte
	if _, err := io.ReadFull(t.cfg.System.Random, b[:]); err != nil {
		return fmt.Errorf("store/dynamo: random source: %w", err)
	}
	timer := time.NewTimer(time.Duration(binary.BigEndian.Uint64(b[:]) % uint64(bound)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
