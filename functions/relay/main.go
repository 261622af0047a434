// Command relay publishes new audit events from the table's stream to the event bus.
package main

import "github.com/nowgo/agents/internal/app/function"

func main() { function.ServeRelay() }
