// Package events is the catalog of what happens on the platform: the name of every event type, and the typed payload that the
// event's body carries as `change`.
//
// Each type has a struct here, a JSON Schema of the whole body under schemas/ and a sample under testdata/; package
// eventtest holds them against each other. Payloads carry ids, versions, counts, statuses and the names of changed fields, and
// never personal data or text that people wrote: what is personal goes into the event's private part, which can be
// erased (invariant 4).
//
// The package imports nothing of the project, so that consumers outside of it can use it as it is.
package events

import (
	"encoding/json"
	"fmt"
)

// The event types, EventBridge's detail types: `<what>.<what happened to it>`, in the past tense.
const (
	TypeClientCreated   = "client.created"
	TypeClientUpdated   = "client.updated"
	TypeClientSuspended = "client.suspended"
	TypeClientResumed   = "client.resumed"
	TypeSettingsUpdated = "settings.updated"

	TypeClientOffboarded = "client.offboarded"
	TypeClientRestored   = "client.restored"
	TypeErasureAdvanced  = "client.erasure_advanced"
	TypeClientErased     = "client.erased"

	TypeUserInvited          = "user.invited"
	TypeInvitationAccepted   = "invitation.accepted"
	TypeSessionStarted       = "session.started"
	TypeSessionRefused       = "session.refused"
	TypeSessionRefreshed     = "session.refreshed"
	TypeSessionEnded         = "session.ended"
	TypeAdministratorCreated = "administrator.created"

	TypePasswordResetRequested = "password.reset_requested"
	TypePasswordReset          = "password.reset"
	TypePasswordChanged        = "password.changed"

	TypeAPIKeyCreated    = "api_key.created"
	TypeAPIKeyRotated    = "api_key.rotated" //nolint:gosec // a name
	TypeAPIKeyRevoked    = "api_key.revoked"
	TypeAPIKeyUsed       = "api_key.used"
	TypeSessionAssumed   = "session.assumed"
	TypeSessionAnnounced = "session.announced"

	TypeInvitationResent  = "invitation.resent"
	TypeInvitationRevoked = "invitation.revoked"
	TypeUserUpdated       = "user.updated"
	TypeUserRemoved       = "user.removed"
	TypeLoginCreated      = "login.created"
	TypeLoginRemoved      = "login.removed"

	TypeCredentialRefused = "credential.refused" //nolint:gosec // a name
	TypeAccessDenied      = "access.denied"
	TypeSigningKeyRotated = "signing_key.rotated"

	TypeSecondFactorEnrolled  = "second_factor.enrolled"
	TypeSecondFactorConfirmed = "second_factor.confirmed"
	TypeSecondFactorRemoved   = "second_factor.removed"
	TypeSecondFactorRefused   = "second_factor.refused"
	TypeRecoveryCodesRenewed  = "recovery_codes.renewed"
	TypeRecoveryCodeUsed      = "recovery_code.used"

	TypeProfileCreated = "profile.created"
	TypeProfileUpdated = "profile.updated"
	TypeProfileDeleted = "profile.deleted"

	TypeAgentGenerated       = "agent.generated"
	TypeAgentUpdated         = "agent.updated"
	TypeAgentDeleted         = "agent.deleted"
	TypeConfigurationDrafted = "configuration.drafted"
	TypeAgentPublished       = "agent.published"
	TypeAgentRolledBack      = "agent.rolled_back"
	TypeDocumentAdded        = "document.added"
	TypeDocumentDeleted      = "document.deleted"

	TypeConversationStarted = "conversation.started"
	TypeMessageReceived     = "conversation.message_received"
	TypeReplied             = "conversation.replied"
	TypeConversationClosed  = "conversation.closed"
)

// Updated is the change of a generic update: which fields differ, and the version that resulted. Values stay out of it:
// personal ones are in the event's private part.
type Updated struct {
	Fields  []string `json:"fields"`  // JSON names, in byte order, at least one
	Version int64    `json:"version"` // of the item after the update
}

// payloads makes an empty payload of each type.
var payloads = []struct {
	name string
	make func() any
}{
	{TypeClientCreated, func() any { return new(ClientCreated) }},
	{TypeClientUpdated, func() any { return new(ClientUpdated) }},
	{TypeClientSuspended, func() any { return new(ClientSuspended) }},
	{TypeClientResumed, func() any { return new(ClientResumed) }},
	{TypeSettingsUpdated, func() any { return new(Updated) }},
	{TypeClientOffboarded, func() any { return new(ClientOffboarded) }},
	{TypeClientRestored, func() any { return new(ClientRestored) }},
	{TypeErasureAdvanced, func() any { return new(ErasureAdvanced) }},
	{TypeClientErased, func() any { return new(ClientErased) }},
	{TypeUserInvited, func() any { return new(UserInvited) }},
	{TypeInvitationAccepted, func() any { return new(InvitationAccepted) }},
	{TypeSessionStarted, func() any { return new(SessionStarted) }},
	{TypeSessionRefused, func() any { return new(SessionRefused) }},
	{TypeSessionRefreshed, func() any { return new(SessionRefreshed) }},
	{TypeSessionEnded, func() any { return new(SessionEnded) }},
	{TypeAdministratorCreated, func() any { return new(AdministratorCreated) }},
	{TypePasswordResetRequested, func() any { return new(PasswordResetRequested) }},
	{TypePasswordReset, func() any { return new(PasswordReset) }},
	{TypePasswordChanged, func() any { return new(PasswordChanged) }},
	{TypeAPIKeyCreated, func() any { return new(APIKeyCreated) }},
	{TypeAPIKeyRotated, func() any { return new(APIKeyRotated) }},
	{TypeAPIKeyRevoked, func() any { return new(APIKeyRevoked) }},
	{TypeAPIKeyUsed, func() any { return new(APIKeyUsed) }},
	{TypeSessionAssumed, func() any { return new(SessionAssumed) }},
	{TypeSessionAnnounced, func() any { return new(SessionAnnounced) }},
	{TypeInvitationResent, func() any { return new(InvitationResent) }},
	{TypeInvitationRevoked, func() any { return new(InvitationRevoked) }},
	{TypeUserUpdated, func() any { return new(UserUpdated) }},
	{TypeUserRemoved, func() any { return new(UserRemoved) }},
	{TypeLoginCreated, func() any { return new(LoginCreated) }},
	{TypeLoginRemoved, func() any { return new(LoginRemoved) }},
	{TypeCredentialRefused, func() any { return new(CredentialRefused) }},
	{TypeAccessDenied, func() any { return new(AccessDenied) }},
	{TypeSigningKeyRotated, func() any { return new(SigningKeyRotated) }},
	{TypeSecondFactorEnrolled, func() any { return new(SecondFactorEnrolled) }},
	{TypeSecondFactorConfirmed, func() any { return new(SecondFactorConfirmed) }},
	{TypeSecondFactorRemoved, func() any { return new(SecondFactorRemoved) }},
	{TypeSecondFactorRefused, func() any { return new(SecondFactorRefused) }},
	{TypeRecoveryCodesRenewed, func() any { return new(RecoveryCodesRenewed) }},
	{TypeRecoveryCodeUsed, func() any { return new(RecoveryCodeUsed) }},
	{TypeProfileCreated, func() any { return new(ProfileCreated) }},
	{TypeProfileUpdated, func() any { return new(Updated) }},
	{TypeProfileDeleted, func() any { return new(ProfileDeleted) }},
	{TypeAgentGenerated, func() any { return new(AgentGenerated) }},
	{TypeAgentUpdated, func() any { return new(Updated) }},
	{TypeAgentDeleted, func() any { return new(AgentDeleted) }},
	{TypeConfigurationDrafted, func() any { return new(ConfigurationDrafted) }},
	{TypeAgentPublished, func() any { return new(AgentPublished) }},
	{TypeAgentRolledBack, func() any { return new(AgentRolledBack) }},
	{TypeDocumentAdded, func() any { return new(DocumentAdded) }},
	{TypeDocumentDeleted, func() any { return new(DocumentDeleted) }},
	{TypeConversationStarted, func() any { return new(ConversationStarted) }},
	{TypeMessageReceived, func() any { return new(MessageReceived) }},
	{TypeReplied, func() any { return new(Replied) }},
	{TypeConversationClosed, func() any { return new(ConversationClosed) }},
}

// Types lists every event type, by capability.
func Types() []string {
	names := make([]string, len(payloads))
	for i, p := range payloads {
		names[i] = p.name
	}
	return names
}

// Decode returns the payload of an event of the given type as a pointer to its struct. It fails for a type that is not in the
// catalog and for a change that is not JSON of the struct's form; fields it does not know are left out, so that
// consumers survive producers that are newer than they are.
func Decode(name string, change []byte) (any, error) {
	for _, p := range payloads {
		if p.name != name {
			continue
		}
		v := p.make()
		if err := json.Unmarshal(change, v); err != nil {
			return nil, fmt.Errorf("events: %s: %w", name, err)
		}
		return v, nil
	}
	return nil, fmt.Errorf("events: no type %q in the catalog", name)
}
