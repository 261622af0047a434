package env

import "testing"

// Unstarted returns fresh servers, which no test has started.
func Unstarted() map[string]func(testing.TB) string {
	all := map[string]func(testing.TB) string{}
	for _, s := range []*server{dynamoDBLocal, miniStack} {
		all[s.name] = (&server{name: s.name, health: s.health, command: s.command}).endpoint
	}
	return all
}
