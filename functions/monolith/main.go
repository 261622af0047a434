// Command monolith is the whole platform in one process, over an embedded table.
package main

import "github.com/nowgo/agents/internal/app/monolith"

func main() { monolith.Main() }
