// Package identity owns persons' sign-in and users: passwords, sessions, access and refresh tokens, invitations, and the
// keys that sign. A person has the login and belongs to no client; a user is a person's place in a client. A machine has an API key,
// which belongs to a client and to no person. A global administrator works inside a client in an assumed session, whose rows are the
// client's and whose user is at home.
//
// Invariants (numbered as in the README):
//
//   - 2: every session, user and invitation comes, changes and goes in one commit with its audit event; a refused sign-in is
//     recorded too.
//   - 6: passwords, tokens, API keys and their secrets are kept as hashes alone, and no event, error or log line holds one.
//   - 14: a person's password is set by that person alone. Accepting an invitation to an address that has a login takes that
//     login's own password.
//   - A client that has an active administrator keeps one: see otherAdministrator.
//
// Sign-in tells nobody whether an address has a login: the text is the same, and so is the work, for an unknown address is
// checked against a dummy hash of the same cost.
package identity
