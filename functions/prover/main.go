// Command prover tries to cross from one client to another, and says what became of it. `make prove` invokes it.
package main

import "github.com/nowgo/agents/internal/app/function"

func main() { function.ServeProver() }
