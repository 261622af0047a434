// Command archivist keeps the events of the bus as files.
package main

import "github.com/nowgo/agents/internal/app/function"

func main() { function.ServeArchivist() }
