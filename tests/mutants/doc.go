// Mutants takes the guards of the platform away, one at a time, and runs the tests: a guard whose absence nobody notices is not
// tested. `make mutants` runs it.
//
// The guards are found in the syntax trees, not chosen:
//
//	decision     every reading of access.Decision's Allow
//	tenant       every comparison of a tenant.ID, and every refusal of an id by tenant.Parse or Platform
//	condition    every condition of a change in a Commit: store.Create, Update, Delete and Check
//	expiry       every call of an Expired, and every comparison with a time of expiry
//	secret       every comparison in constant time, and every verification of a signature or password
//
// Each is overlaid upon the sources while they are compiled (go test -overlay); nothing is changed on disk. A mutant is caught where a
// test fails: first those of its own package, then those of the packages that import it, then the black boxes. Those that
// survive must be in explained.txt with a reason, or the run fails.
package main
