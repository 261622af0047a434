// Command keykeeper rotates the keys of access tokens, once an hour as far as something is due.
package main

import "github.com/nowgo/agents/internal/app/function"

func main() { function.ServeKeykeeper() }
