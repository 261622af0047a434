// Package archtest holds the shape of the code base as tests: who may import whom, who names a platform partition, and that
// what internal/route says exists is there.
package archtest
