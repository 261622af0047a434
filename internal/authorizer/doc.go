// Package authorizer says who makes a call. It verifies an access token offline, and that its session, its user and its client are
// live; of an API key, that there is one with this secret, that its time is not over and that its client is live. The monolith calls
// it in-process; its function answers API Gateway with it.
//
// Invariant 11 (numbered as in the README): suspended means out within a minute. A verdict lives for at most [VerdictLifetime], in
// API Gateway's cache or in [Authorizer.Verdict]'s and never in both, and rests on a liveness that is at most
// [LivenessLifetime] old, filled by consistent reads and counted from before the read.
package authorizer
