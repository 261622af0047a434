// Command agents serves the agents capability as a function behind API Gateway.
package main

import (
	"github.com/nowgo/agents/internal/app"
	"github.com/nowgo/agents/internal/app/function"
)

func main() { function.ServeHTTP(app.Agents, function.Files, function.Redis) }
