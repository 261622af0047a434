package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// CheckKey returns [ErrBadKey] unless client and sk can be a key: not empty, at most [MaxKey] bytes of valid UTF-8, no
// control characters.
func CheckKey(client tenant.ID, sk string) error {
	if client == "" || len(client) > 256 {
		return fmt.Errorf("%w: client", ErrBadKey)
	}
	if sk == "" || len(sk) > MaxKey || !clean(sk) {
		return fmt.Errorf("%w: sort key", ErrBadKey)
	}
	return nil
}

func clean(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}

// CheckQuery returns [ErrBadQuery] unless the query can be answered.
func CheckQuery(client tenant.ID, q Query) error {
	if client == "" || q.Prefix == "" || !clean(q.Prefix) || len(q.Prefix) > MaxKey {
		return fmt.Errorf("%w: prefix", ErrBadQuery)
	}
	if q.Limit < 1 || q.Limit > MaxPage {
		return fmt.Errorf("%w: limit %d", ErrBadQuery, q.Limit)
	}
	for _, bound := range []string{q.From, q.To} {
		if len(bound) > MaxKey || !utf8.ValidString(bound) {
			return fmt.Errorf("%w: bound", ErrBadQuery)
		}
	}
	if q.Index != Main && q.Index != ByParent && q.Index != ByActor {
		return fmt.Errorf("%w: index %q", ErrBadQuery, q.Index)
	}
	return nil
}

// Action is a change or an event of a commit, ready to be written: its partition is filled in and events are items.
type Action struct {
	Change
	Event bool
}

// Plan checks a commit by the rules that hold in every adapter and returns its actions: the changes in their order, then
// the events. Its errors are those of [Table.Commit].
func Plan(client tenant.ID, record audit.Record, changes []Change) ([]Action, error) {
	events, err := record.Events()
	if err != nil {
		return nil, err
	}
	if len(changes)+len(events) > MaxActions {
		return nil, fmt.Errorf("%w: %d", ErrTooMany, len(changes)+len(events))
	}
	actions := make([]Action, 0, len(changes)+len(events))
	for _, c := range changes {
		if c.Partition == "" {
			c.Partition = client
		}
		actions = append(actions, Action{Change: c})
	}
	for _, e := range events {
		it, err := EventItem(e)
		if err != nil {
			return nil, err
		}
		actions = append(actions, Action{Change: Change{Op: OpCreate, Partition: e.Partition, Item: it}, Event: true})
	}
	return actions, checkActions(client, actions)
}

func checkActions(client tenant.ID, actions []Action) error {
	type key struct {
		partition tenant.ID
		sk        string
	}
	seen := make(map[key]bool, len(actions))
	total := 0
	for i, a := range actions {
		// INVARIANT 1: beside the client's own, only platform partitions.
		if a.Partition != client && !a.Partition.Platform() {
			return fmt.Errorf("%w: action %d is in another client's partition", ErrBadKey, i)
		}
		if err := CheckKey(a.Partition, a.Item.SK); err != nil {
			return err
		}
		if len(a.Item.ParentSK) > MaxKey || !clean(a.Item.ParentSK) || len(a.Item.ActorSK) > MaxKey || !clean(a.Item.ActorSK) {
			return fmt.Errorf("%w: index key", ErrBadKey)
		}
		if a.Op < OpCreate || a.Op > OpCheck || (a.Op == OpUpdate || a.Op == OpDelete) && a.Seen < 1 {
			return fmt.Errorf("%w: action %d has no condition", ErrBadKey, i)
		}
		if !a.Event && strings.HasPrefix(a.Item.SK, keys.EventPrefix) {
			return fmt.Errorf("%w: events are written once, by their commit", ErrBadKey)
		}
		k := key{a.Partition, a.Item.SK}
		if seen[k] {
			return fmt.Errorf("%w: two changes of one item", ErrBadKey)
		}
		seen[k] = true
		size := a.Item.Size()
		if size > MaxItem {
			return fmt.Errorf("%w: item %q has %d bytes", ErrTooLarge, a.Item.SK, size)
		}
		total += size
	}
	if total > MaxCommit {
		return fmt.Errorf("%w: commit has %d bytes", ErrTooLarge, total)
	}
	return nil
}

// eventData is the part of an event item that can be erased, with what the relay needs beside the body.
type eventData struct {
	Private *audit.Private `json:"private,omitempty"`
}

// eventSummary is the part of an event item that never changes.
type eventSummary struct {
	Capability string     `json:"capability"`
	Body       audit.Body `json:"body"`
}

// EventItem returns the item that an event is kept as.
func EventItem(e audit.Event) (Item, error) {
	summary, err := json.Marshal(eventSummary{e.Capability, e.Body})
	if err != nil {
		return Item{}, fmt.Errorf("store: event: %w", err)
	}
	it := Item{SK: keys.Event(0, e.Body.ID), ParentSK: keys.EventTarget(e.Body.Target.Type, e.Body.Target.ID, e.Body.ID),
		ActorSK: keys.EventActor(e.Body.Actor.ID, e.Body.ID), Schema: 1, Summary: summary}
	if e.Private != nil {
		if it.Data, err = json.Marshal(eventData{e.Private}); err != nil {
			return Item{}, fmt.Errorf("store: event: %w", err)
		}
	}
	return it, nil
}

// ItemEvent returns the event kept as it, in the given partition. From an index the private part is missing.
func ItemEvent(partition tenant.ID, it Item) (audit.Event, error) {
	var s eventSummary
	if err := json.Unmarshal(it.Summary, &s); err != nil {
		return audit.Event{}, fmt.Errorf("store: event %q: %w", it.SK, err)
	}
	e := audit.Event{Partition: partition, Capability: s.Capability, Body: s.Body}
	if len(it.Data) > 0 {
		var d eventData
		if err := json.Unmarshal(it.Data, &d); err != nil {
			return audit.Event{}, fmt.Errorf("store: event %q: %w", it.SK, err)
		}
		e.Private = d.Private
	}
	return e, nil
}
