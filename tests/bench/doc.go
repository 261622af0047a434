// Package bench measures what the platform promises about speed, each thing beside a yardstick in the same run, and prints one
// table at the end:
//
//	make bench
//	go test -run '^$' -bench . -benchtime 1x ./tests/bench -update    writes the table into the README, too
//
// Benchmarks here report and never fail on time: a ratio is read by a person, on a machine that the person knows. What is
// deterministic (sizes, numbers of calls) is held by the tests of tests/binaries and tests/capacity.
package bench
