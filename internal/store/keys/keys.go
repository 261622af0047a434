// Package keys builds every key string of the single table. Nothing else joins key parts.
//
// The partition key is the client's id, in the table and in both indexes. The sort keys:
//
//	entity                  sk                                   parent_sk                                    actor_sk
//	client                  client
//	settings                settings
//	user                    user#<id>                            role#<role>#<created>#<id>                   name#<folded name>#<id>
//	session                 session#<id>                         user#<user>#session#<created>
//	invitation              invitation#<id>                      user#<user>#invitation#<created>
//	address of a user       email#<sha256 of the normalized address>                                          address#<folded address>#<user>
//	profile                 profile#<id>
//	agent                   agent#<id>                           profile#<profile>#agent#<created>#<id>
//	configuration version   configuration#<agent>#<8 digits>                                                  user#<author>#configuration#<created>#<agent>
//	document                document#<agent>#<id>
//	passages                passage#<agent>#<document>#<generation>#<4 digits>
//	conversation            conversation#<id>                    agent#<agent>#conversation#<created>#<id>    user#<user>#conversation#<created>#<id>
//	message                 message#<conversation>#<8 digits>
//	audit event             event#<shard, 2 digits>#<ulid>       target#<type>#<id>#<ulid>                    actor#<id>#<ulid>
//	API key                 apikey#<id>                          user#<author>#apikey#<created>#<id>
//	usage                   usage#<month>#<shard>
//	idempotency             idempotency#<hash>
//
// In platform partitions, which only store/directory names:
//
//	person                  person                               ($login#<sha256 of email>)
//	password reset          reset#<id>                           ($login#<sha256 of email>)
//	API key found           apikey                               ($apikey#<prefix of the key>)
//	client listed           client#<created>#<id>                ($clients#<shard>)
//	slug taken              slug#<slug>                          ($clients#<shard>)
//	id of a client, for good id#<id>                             ($clients#<shard>)
//	erasure to come         due#<when>#<id>                      ($clients#<shard>)
//	global administrator    user#<id>, session#<id>              ($platform#<shard>)
//	the platform's trail    event#…                              ($trail#<shard>)
//
// One prefix per list: listing agents never meets a configuration. Created is 16 digits of microseconds since 1970, so that
// keys sort by time and do not move under a cursor.
package keys

import (
	"fmt"
	"time"
)

// The keys that stand alone.
const (
	Client   = "client"
	Settings = "settings"
	Person   = "person"
	KeyFound = "apikey" // in an API key's own platform partition
)

// The prefixes that list a whole kind.
const (
	UserPrefix    = "user#"
	RolePrefix    = "role#"
	ProfilePrefix = "profile#"
	AgentPrefix   = "agent#"
	EventPrefix   = "event#"
	ClientPrefix  = "client#"
	APIKeyPrefix  = "apikey#"
)

// Created is how a creation time stands in a key.
func Created(t time.Time) string { return fmt.Sprintf("%016d", t.UnixMicro()) }

// User is a person's place in a client.
func User(id string) string { return UserPrefix + id }

// Email marks an address as used by a user of the client; hash is the SHA-256 of the normalized address, in hexadecimal.
func Email(hash string) string { return "email#" + hash }

// RoleUsers lists the users of a role in by_parent.
func RoleUsers(role string) string { return RolePrefix + role + "#" }

// UserRole is a user in by_parent.
func UserRole(role string, created time.Time, id string) string {
	return RoleUsers(role) + Created(created) + "#" + id
}

// UserNames lists in by_actor the users whose folded name begins so.
func UserNames(folded string) string { return "name#" + folded }

// UserName is a user in by_actor.
func UserName(folded, id string) string { return UserNames(folded) + "#" + id }

// UserAddresses lists in by_actor the addresses of users that, folded, begin so.
func UserAddresses(folded string) string { return "address#" + folded }

// UserAddress is the address of a user in by_actor.
func UserAddress(folded, user string) string { return UserAddresses(folded) + "#" + user }

// Session is a signed-in session.
func Session(id string) string { return "session#" + id }

// UserSession is a session in by_parent.
func UserSession(user string, created time.Time) string {
	return UserSessions(user) + Created(created)
}

// Invitation is an invitation.
func Invitation(id string) string { return "invitation#" + id }

// UserInvitation is an invitation in by_parent.
func UserInvitation(user string, created time.Time) string {
	return "user#" + user + "#invitation#" + Created(created)
}

// Profile is an organizational profile.
func Profile(id string) string { return ProfilePrefix + id }

// Agent is an agent.
func Agent(id string) string { return AgentPrefix + id }

// ProfileAgents lists a profile's agents in by_parent.
func ProfileAgents(profile string) string { return "profile#" + profile + "#agent#" }

// ProfileAgent is an agent in by_parent.
func ProfileAgent(profile string, created time.Time, id string) string {
	return ProfileAgents(profile) + Created(created) + "#" + id
}

// Configurations lists an agent's configuration versions.
func Configurations(agent string) string { return "configuration#" + agent + "#" }

// Configuration is one version, 1 to 99,999,999.
func Configuration(agent string, version int) string {
	return fmt.Sprintf("%s%08d", Configurations(agent), version)
}

// AuthorConfiguration is a configuration version in by_actor.
func AuthorConfiguration(author string, created time.Time, agent string) string {
	return "user#" + author + "#configuration#" + Created(created) + "#" + agent
}

// Documents lists an agent's documents.
func Documents(agent string) string { return "document#" + agent + "#" }

// Document is one document.
func Document(agent, id string) string { return Documents(agent) + id }

// Passages lists the chunks of passages of one generation of a document.
func Passages(agent, document, generation string) string {
	return "passage#" + agent + "#" + document + "#" + generation + "#"
}

// PassageChunk is the n-th chunk of passages.
func PassageChunk(agent, document, generation string, n int) string {
	return fmt.Sprintf("%s%04d", Passages(agent, document, generation), n)
}

// Conversation is a conversation.
func Conversation(id string) string { return "conversation#" + id }

// AgentConversations lists an agent's conversations in by_parent.
func AgentConversations(agent string) string { return "agent#" + agent + "#conversation#" }

// AgentConversation is a conversation in by_parent.
func AgentConversation(agent string, created time.Time, id string) string {
	return AgentConversations(agent) + Created(created) + "#" + id
}

// UserConversations lists a user's conversations in by_actor.
func UserConversations(user string) string { return "user#" + user + "#conversation#" }

// UserConversation is a conversation in by_actor.
func UserConversation(user string, created time.Time, id string) string {
	return UserConversations(user) + Created(created) + "#" + id
}

// Messages lists a conversation's messages.
func Messages(conversation string) string { return "message#" + conversation + "#" }

// Message is one message; sequences begin at 1.
func Message(conversation string, sequence int) string {
	return fmt.Sprintf("%s%08d", Messages(conversation), sequence)
}

// EventShard lists the events of a shard.
func EventShard(shard int) string { return fmt.Sprintf("%s%02d#", EventPrefix, shard) }

// Event is an audit event; id is a ULID.
func Event(shard int, id string) string { return EventShard(shard) + id }

// EventTargets lists the events upon a target in by_parent.
func EventTargets(kind, id string) string { return "target#" + kind + "#" + id + "#" }

// EventTarget is an audit event in by_parent.
func EventTarget(kind, id, event string) string { return EventTargets(kind, id) + event }

// EventActors lists the events of an actor in by_actor.
func EventActors(id string) string { return "actor#" + id + "#" }

// EventActor is an audit event in by_actor; empty where the actor is unknown.
func EventActor(id, event string) string {
	if id == "" {
		return ""
	}
	return EventActors(id) + event
}

// APIKey is an API key.
func APIKey(id string) string { return APIKeyPrefix + id }

// UserAPIKey is an API key in by_parent, by who made it.
func UserAPIKey(user string, created time.Time, id string) string {
	return "user#" + user + "#apikey#" + Created(created) + "#" + id
}

// Usage is one shard (0 to 7) of what was used in a month (2026-11).
func Usage(month, shard string) string { return "usage#" + month + "#" + shard }

// UserSessions lists a user's sessions in by_parent.
func UserSessions(user string) string { return "user#" + user + "#session#" }

// Reset is a password reset under way, in the person's partition.
func Reset(id string) string { return "reset#" + id }

// Idempotency is the kept answer of a repeated request; hash is of client, principal, operation and key.
func Idempotency(hash string) string { return "idempotency#" + hash }

// ListedClient is a client in the platform's list of clients.
func ListedClient(created time.Time, id string) string {
	return ClientPrefix + Created(created) + "#" + id
}

// Slug marks a slug as taken.
func Slug(slug string) string { return "slug#" + slug }

// ClientID marks a client's id as given, also long after the client is gone.
func ClientID(id string) string { return "id#" + id }

// DuePrefix lists the erasures to come.
const DuePrefix = "due#"

// Due is a client's erasure to come.
func Due(at time.Time, id string) string { return DuePrefix + Created(at) + "#" + id }
