package httpapi_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/store/storetest"
	"github.com/nowgo/agents/internal/system"
)

// BenchmarkGet is a read by id, authorized, without the network: beside it a handler that writes the same bytes from the same table.
func BenchmarkGet(b *testing.B) {
	decider, err := access.New()
	if err != nil {
		b.Fatal(err)
	}
	s := &shelf{table: openTable(b, storetest.NewClock()), system: system.Real()}
	api, err := httpapi.New(httpapi.Config{Table: s.table, Access: decider, System: s.system, Secret: secret, Log: slog.New(slog.NewJSONHandler(io.Discard, nil))})
	if err != nil {
		b.Fatal(err)
	}
	registerShelf(api, s)
	made, err := s.createIn(httpapi.WithPrincipal(context.Background(), principals["ana"]), "cli_blue", "Dom Casmurro")
	if err != nil {
		b.Fatal(err)
	}
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		it, err := s.table.Get(r.Context(), "cli_blue", "profile#"+made.ID)
		if err != nil {
			b.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		if _, err := w.Write(it.Summary); err != nil {
			b.Error(err)
		}
	})
	for name, h := range map[string]http.Handler{"bare": bare, "platform": httpapi.Authenticate(authorize, api.Handler())} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequestWithContext(context.Background(), "GET", "/v1/profiles/"+made.ID, http.NoBody)
				r.Header.Set("Authorization", "Bearer ana")
				r.Header.Set("User-Agent", "bench")
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
