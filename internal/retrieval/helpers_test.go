package retrieval_test

import (
	"errors"

	"github.com/nowgo/agents/internal/fault"
)

func asFault(err error, target **fault.Error) bool { return errors.As(err, target) }
