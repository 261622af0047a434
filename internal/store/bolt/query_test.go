package bolt

import (
	"fmt"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/storetest"
)

func TestPageOfManyBytes(t *testing.T) {
	table := openTable(t, Config{})
	if err := commitLarge(table, "0"); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if err := commitLarge(table, fmt.Sprintf("1%02d", i)); err != nil {
			t.Fatal(err)
		}
	}
	page, err := table.Query(t.Context(), owner, store.Query{Prefix: "k#", Limit: 100})
	if err != nil || page.Next == "" || len(page.Items) < 10 || len(page.Items) > 20 {
		t.Errorf("a page of %d items of 300 KB, next %q, %v", len(page.Items), page.Next, err)
	}
}

func TestPageOfManyDead(t *testing.T) {
	clock := storetest.NewClock()
	table := openTable(t, Config{System: clock.System()})
	const n = pageDead + 50
	for done := 0; done < n; {
		var many []store.Change
		for ; len(many) < 90 && done < n; done++ {
			many = append(many, store.Create(store.Item{SK: fmt.Sprintf("k#%06d", done), ExpiresAt: clock.Now().Add(time.Minute)}))
		}
		if err := table.Commit(t.Context(), owner, audit.Of(eventOf(owner, fmt.Sprint(done))), many...); err != nil {
			t.Fatal(err)
		}
	}
	mustCommit(t, table, "z")
	clock.Advance(time.Hour)
	q := store.Query{Prefix: "k#", Limit: 1}
	page, err := table.Query(t.Context(), owner, q)
	if err != nil || len(page.Items) != 0 || page.Next == "" {
		t.Fatalf("%d items, next %q, %v", len(page.Items), page.Next, err)
	}
	q.Cursor = page.Next
	page, err = table.Query(t.Context(), owner, q)
	if err != nil || len(page.Items) != 1 || page.Next != "" {
		t.Errorf("%d items, next %q, %v", len(page.Items), page.Next, err)
	}
}
