// Command conversations serves the conversations capability as a function behind API Gateway.
package main

import (
	"github.com/nowgo/agents/internal/app"
	"github.com/nowgo/agents/internal/app/function"
)

func main() { function.ServeHTTP(app.Conversations, function.Redis) }
