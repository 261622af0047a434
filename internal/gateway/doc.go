// Package gateway serves an http.Handler as a Lambda function behind an Amazon API Gateway REST API, and gives the gateway its
// authorizer. It is the one package that knows the shape of the gateway's events, and the one that imports the archived
// aws-lambda-go-api-proxy, of which only the conversion of events is used.
//
// Invariant (numbered as in the README):
//
//   - 6: the principal of a request is what the authorizer put into the event's request context. Nothing that a caller can send,
//     header, query or body, names a principal.
package gateway
