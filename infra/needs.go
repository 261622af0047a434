package main

import "github.com/nowgo/agents/internal/route"

// Access says what of the directory, the rows that belong to no client, a function reaches with its own role.
type Access uint8

// The accesses there are.
const (
	None Access = iota
	Read
	Write
)

// Needs is what a function may do. It is given the names of what it may reach, and no others, in its environment, so that one
// that reaches further fails in the emulator too, which does not know what roles allow.
type Needs struct {
	Clients       bool   // one client's rows and files at a time, through the data role
	Directory     Access // the rows that belong to no client
	Trail         bool   // adds events to the platform's own trail, and can do nothing else to the directory by that
	Registrar     bool   // commits that hold a client's rows and the directory's, through the registrar role
	SigningKeys   bool   // the secret that holds the keys of access tokens
	RotateKeys    bool   // replaces what that secret holds
	Platform      bool   // the secret that seals cursors and kept answers
	Administrator bool   // the first administrator's email and password
	Seal          bool   // secrets of persons and of clients, under data keys
	Mail          bool   // sends mail
	Prove         bool   // is told the key, to try it as a client
	Publish       bool   // to the event bus
	Backups       bool   // is told for how long the environment keeps copies
	MemoryMB      float64
	Seconds       float64 // after which it is ended
}

// needs of the functions that need other than what every capability does: its clients' rows and the platform secret.
var needs = map[string]Needs{
	"authentication": {Clients: true, Directory: Write, Registrar: true, SigningKeys: true, Platform: true,
		Administrator: true, Seal: true, Mail: true, MemoryMB: 1024, Seconds: 28}, // argon2id wants memory, and the processor that comes with it
	"clients":    {Clients: true, Directory: Write, Registrar: true, Platform: true, Mail: true, MemoryMB: 512, Seconds: 28},
	"compliance": {Clients: true, Directory: Read, Trail: true, Platform: true, MemoryMB: 512, Seconds: 28},
	"monitoring": {Directory: Read, Platform: true, MemoryMB: 256, Seconds: 10},
	"authorizer": {Clients: true, Directory: Read, Trail: true, SigningKeys: true, MemoryMB: 512, Seconds: 10},
	"keykeeper":  {Trail: true, SigningKeys: true, RotateKeys: true, MemoryMB: 256, Seconds: 60},
	"relay":      {Publish: true, MemoryMB: 512, Seconds: 60},
	"archivist":  {Clients: true, MemoryMB: 512, Seconds: 60},
	"prover":     {Clients: true, Prove: true, MemoryMB: 256, Seconds: 60},
	"eraser":     {Clients: true, Directory: Write, Registrar: true, Platform: true, Backups: true, MemoryMB: 512, Seconds: 300},
}

// NeedsOf returns what the named function may do. The gateway waits 29 s for an answer, so a capability has 28.
func NeedsOf(name string) Needs {
	if n, ok := needs[name]; ok {
		return n
	}
	for _, c := range route.Capabilities() {
		if name == string(c) {
			return Needs{Clients: true, Trail: true, Platform: true, MemoryMB: 1024, Seconds: 28}
		}
	}
	return Needs{Clients: true, MemoryMB: 512, Seconds: 60}
}
