// Package quota keeps one client's use from costing the others (invariant 10): plans, rates of requests, concurrent jobs, and budgets
// of messages and tokens.
//
// Rates and jobs are counted by the meter, which processes share where it is a Redis server. They fail open: where the meter does not
// answer, requests are served, for being there matters more than being exact. Where every process has its own meter, each gives out
// its share of every rate.
//
// Budgets are rows of the table, written in the transactions of what they are spent on. They fail closed: what cannot be
// counted is not done. Days and months are those of UTC, for every client.
//
// A budget's rows are `usage#<month>#<shard>`: eight of them, by the conversation, so that eight turns of one client can be committed at
// once (some 400 commits a second on DynamoDB). Each gives out an eighth of the budget, so that no turn needs to read the others until its own
// is spent; then another's rest is taken, all eight read. What is given out never exceeds the budget; tokens that no
// eighth has enough of for another turn are not given out.
//
// A turn's tokens are reserved with its question and settled with its reply. One that ended between the two stays reserved for
// fifteen minutes, in which a repeated request finds and settles it; after that its estimate counts as used, for the
// model may have been asked. Nothing has to run for that: it follows from the row and the time.
package quota
