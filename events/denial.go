package events

import "time"

// CredentialRefused is the change of credential.refused: a call came with a credential that is not accepted.
type CredentialRefused struct {
	Method string `json:"method"` // token or api_key
	Reason string `json:"reason"` // the code that the caller was answered, such as invalid_token
	Count  int64  `json:"count"`  // how many refusals of one source it stands for; the rest of it is of the last of them

}

// AccessDenied is the change of access.denied: somebody who is signed in asked for what they may not do.
type AccessDenied struct {
	Reason   string   `json:"reason"`   // the code that the caller was answered, such as forbidden
	Policies []string `json:"policies"` // that forbade it; empty where no policy permits it
	Count    int64    `json:"count"`    // how many denials of one principal it stands for; the rest of it is of the last of them
}

// SigningKeyRotated is the change of signing_key.rotated: the keys of access tokens were changed by the platform's own schedule.
type SigningKeyRotated struct {
	Step    string    `json:"step"` // announced, activated or retired
	KeyID   string    `json:"key_id"`
	SignsAt time.Time `json:"signs_at"` // when the key begins or began to sign
	Keys    []string  `json:"keys"`     // ids of all keys that are published from now on
}
