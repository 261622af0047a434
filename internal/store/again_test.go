package store_test

import (
	"context"
	"testing"

	"github.com/nowgo/agents/internal/store"
)

func TestAgainEnds(t *testing.T) {
	if !store.Again(t.Context(), 1) {
		t.Error("one lost race is the last")
	}
	if store.Again(t.Context(), 10) {
		t.Error("ten lost races are not enough")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if store.Again(ended, 9) {
		t.Error("tried again for nobody")
	}
}
