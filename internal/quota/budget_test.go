package quota_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/quota"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

const small tenant.ID = "cli_small"

// ledger is the budgets over the embedded table. Its client has the plan starter: 500 messages a day, a million tokens a month.
type ledger struct {
	*testkit.Kit
	*quota.Budgets
	t *testing.T
}

func newLedger(t *testing.T) ledger {
	t.Helper()
	k := testkit.New(t)
	book, err := quota.NewBook(&plans{of: map[tenant.ID]string{small: "starter"}}, k.System)
	if err != nil {
		t.Fatal(err)
	}
	return ledger{k, &quota.Budgets{Table: k.Table, Book: book, System: k.System}, t}
}

// commit commits changes, and reports whether the race was lost.
func (l ledger) commit(client tenant.ID, changes ...store.Change) bool {
	l.t.Helper()
	err := l.Kit.Table.Commit(l.t.Context(), client, testkit.Record(l.t.Context(), l.t, l.Kit.System, client), changes...)
	if _, lost := store.FailedOn(err); lost {
		return true
	}
	if err != nil {
		l.t.Error(err)
	}
	return false
}

// reserve reserves and commits, as often as it takes.
func (l ledger) reserve(client tenant.ID, place, turn string, tokens int) (*quota.Reservation, error) {
	l.t.Helper()
	for {
		r, change, err := l.Reserve(l.t.Context(), client, place, turn, tokens)
		if err != nil || !l.commit(client, change) {
			return r, err
		}
	}
}

func (l ledger) settle(client tenant.ID, r *quota.Reservation, used int) {
	l.t.Helper()
	for {
		change, err := l.Settle(l.t.Context(), client, r, used)
		if err != nil {
			l.t.Error(err)
			return
		}
		if !l.commit(client, change) {
			return
		}
	}
}

// stands requires the client's use to be so.
func (l ledger) stands(what string, client tenant.ID, messages, used, reserved int) quota.Standing {
	l.t.Helper()
	plan, _ := quota.Find("starter")
	s, err := l.Standing(l.t.Context(), client, plan)
	if err != nil {
		l.t.Fatal(err)
	}
	if s.Messages.Used != messages || s.Tokens.Used != used || s.Tokens.Reserved != reserved ||
		s.Messages.Remaining != max(0, 500-messages) || s.Tokens.Remaining != max(0, 1_000_000-used-reserved) {
		l.t.Errorf("%s: %+v; want %d messages, %d tokens and %d reserved", what, s, messages, used, reserved)
	}
	return s
}

func exhausted(t *testing.T, err error) *fault.Error {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.RateLimited || f.Code != "budget_exhausted" || len(f.Limits) == 0 {
		t.Fatalf("%v is not budget_exhausted", err)
	}
	return f
}

func TestATurnIsReservedAndSettled(t *testing.T) {
	l := newLedger(t)
	l.stands("at first", small, 0, 0, 0)
	r, err := l.reserve(small, "cnv_1", "msg_1", 4000)
	if err != nil {
		t.Fatal(err)
	}
	l.stands("reserved", small, 1, 0, 4000)
	l.settle(small, r, 150)
	s := l.stands("settled", small, 1, 150, 0)
	l.settle(small, r, 150)
	l.stands("settled twice", small, 1, 150, 0)
	l.stands("another client", "cli_other", 0, 0, 0)
	if want := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC); !s.Messages.ResetsAt.Equal(want) {
		t.Errorf("messages are reset at %s", s.Messages.ResetsAt)
	}
	if want := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC); !s.Tokens.ResetsAt.Equal(want) {
		t.Errorf("tokens are reset at %s", s.Tokens.ResetsAt)
	}
}

func TestATurnThatWasCutOffIsFoundAgain(t *testing.T) {
	l := newLedger(t)
	r, err := l.reserve(small, "cnv_1", "msg_1", 4000)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(r.Note(), " ") {
		t.Errorf("a note with spaces: %q", r.Note())
	}
	if _, err := l.reserve(small, "cnv_1", "msg_2", 3000); err != nil {
		t.Fatal(err)
	}
	again, err := quota.Resume("msg_1", r.Note())
	if err != nil {
		t.Fatal(err)
	}
	l.settle(small, again, 150)
	l.stands("the first settled, the second not", small, 2, 150, 3000)
	for _, note := range []string{"", "2026-03", "2026-03.8", "2026-03.-1", "2026-13.1", "x.1", "2026-03.1.1"} {
		if r, err := quota.Resume("msg_1", note); err == nil {
			t.Errorf("%q is a reservation: %+v", note, r)
		}
	}
}

func TestATurnThatIsNeverSettledCountsAsReserved(t *testing.T) {
	l := newLedger(t)
	r, err := l.reserve(small, "cnv_1", "msg_1", 4000)
	if err != nil {
		t.Fatal(err)
	}
	l.Clock.Advance(15*time.Minute - time.Second)
	l.stands("just before", small, 1, 0, 4000)
	l.Clock.Advance(time.Second)
	l.stands("after a quarter of an hour", small, 1, 4000, 0)
	l.settle(small, r, 150)
	l.stands("too late to settle it", small, 1, 4000, 0)
	if _, err := l.reserve(small, "cnv_1", "msg_2", 1000); err != nil {
		t.Fatal(err)
	}
	l.stands("with the next turn", small, 2, 4000, 1000)
}

func TestDaysAndMonthsAreThoseOfUTC(t *testing.T) {
	l := newLedger(t)
	r, err := l.reserve(small, "cnv_1", "msg_1", 4000)
	if err != nil {
		t.Fatal(err)
	}
	l.settle(small, r, 100)
	l.Clock.Advance(12*time.Hour - time.Second)
	l.stands("in the last second of the day", small, 1, 100, 0)
	l.Clock.Advance(time.Second)
	l.stands("the next day", small, 0, 100, 0)
	l.Clock.Advance(30*24*time.Hour - time.Second)
	if r, err = l.reserve(small, "cnv_1", "msg_2", 4000); err != nil {
		t.Fatal(err)
	}
	l.stands("in the last second of the month", small, 1, 100, 4000)
	l.Clock.Advance(time.Second)
	l.settle(small, r, 50)
	l.stands("the next month", small, 0, 0, 0)
	l.Clock.Advance(-time.Second)
	l.stands("and what was settled after its month's end", small, 1, 150, 0)
}

// Every message of the day is given out, whichever conversations ask, and none more.
func TestNoMoreMessagesThanThePlanHas(t *testing.T) {
	for name, place := range map[string]func(int) string{"of one conversation": func(int) string { return "cnv_1" },
		"of many": func(i int) string { return fmt.Sprint("cnv_", i) }} {
		t.Run(name, func(t *testing.T) {
			l := newLedger(t)
			for i := range 500 {
				if _, err := l.reserve(small, place(i), fmt.Sprint("msg_", i), 1500); err != nil {
					t.Fatalf("after %d: %v", i, err)
				}
			}
			_, err := l.reserve(small, place(500), "msg_500", 1500)
			f := exhausted(t, err)
			if f.RetryAfter != 12*time.Hour || f.Limits[0].Name != quota.LimitMessages || f.Limits[0].Quota != 500 || f.Limits[0].Remaining != 0 ||
				f.Limits[0].Window != 24*time.Hour || f.Limits[0].Reset != 12*time.Hour {
				t.Errorf("%+v", f)
			}
			l.stands("at the end", small, 500, 0, 750_000)
			l.Clock.Advance(12 * time.Hour)
			if _, err := l.reserve(small, place(0), "msg_501", 1500); err != nil {
				t.Errorf("the next day: %v", err)
			}
		})
	}
}

func TestNoMoreTokensThanThePlanHas(t *testing.T) {
	l := newLedger(t)
	given := 0
	var err error
	for ; err == nil; given++ {
		_, err = l.reserve(small, fmt.Sprint("cnv_", given), fmt.Sprint("msg_", given), 10_000)
	}
	given--
	f := exhausted(t, err)
	// Each of eight shards gives out 12 times 10,000 of its 125,000.
	if given != 96 {
		t.Errorf("%d turns of 10,000 tokens given out", given)
	}
	if f.RetryAfter != 30*24*time.Hour+12*time.Hour || len(f.Limits) != 1 || f.Limits[0].Name != quota.LimitTokens || f.Limits[0].Remaining != 0 ||
		f.Limits[0].Window != 31*24*time.Hour {
		t.Errorf("%+v", f)
	}
	if _, err := l.reserve(small, "cnv_1", "msg_small", 5000); err != nil {
		t.Errorf("a turn that is small enough: %v", err)
	}
}

// INVARIANT 10: what is given out to many at once is not more either, and the client's turns do not starve.
func TestManyTurnsAtOnce(t *testing.T) {
	l := newLedger(t)
	var given, refused atomic.Int64
	var wg sync.WaitGroup
	for w := range 12 {
		wg.Go(func() {
			for i := range 50 {
				turn := fmt.Sprintf("msg_%d_%d", w, i)
				r, err := l.reserve(small, fmt.Sprint("cnv_", w), turn, 1000)
				var f *fault.Error
				switch {
				case err == nil:
					given.Add(1)
					l.settle(small, r, 7)
				case errors.As(err, &f) && f.Code == "budget_exhausted":
					refused.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if given.Load() != 500 || refused.Load() != 100 {
		t.Errorf("%d given, %d refused", given.Load(), refused.Load())
	}
	l.stands("at the end", small, 500, 3500, 0)
}

func TestABudgetThatCannotBeReadGivesNothing(t *testing.T) {
	l := newLedger(t)
	if err := l.Kit.Table.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.Reserve(t.Context(), small, "cnv_1", "msg_1", 1); err == nil {
		t.Error("reserved without a table")
	}
}
