package events

// SecondFactorEnrolled is the change of second_factor.enrolled: a person asked for a shared secret. It counts for nothing until it is confirmed.
type SecondFactorEnrolled struct {
	Kind string `json:"kind"` // totp
}

// SecondFactorConfirmed is the change of second_factor.confirmed: from now on the person's sign-ins ask for a code.
type SecondFactorConfirmed struct {
	Kind  string `json:"kind"`  // totp
	Codes int    `json:"codes"` // recovery codes that the person was given
}

// SecondFactorRemoved is the change of second_factor.removed.
type SecondFactorRemoved struct {
	Kind string `json:"kind"` // totp
}

// SecondFactorRefused is the change of second_factor.refused: somebody with a session of the person gave a wrong password or code where
// the person's second factor is changed.
type SecondFactorRefused struct {
	Reason string `json:"reason"` // bad_credentials or bad_code
}

// RecoveryCodesRenewed is the change of recovery_codes.renewed: the earlier ones no longer work.
type RecoveryCodesRenewed struct {
	Codes int `json:"codes"` // how many the person was given
}

// RecoveryCodeUsed is the change of recovery_code.used: the code stood in for the second factor, and works no more.
type RecoveryCodeUsed struct {
	Left int `json:"left"` // codes that still work
}
