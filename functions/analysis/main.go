// Command analysis serves the analysis capability as a function behind API Gateway.
package main

import (
	"github.com/nowgo/agents/internal/app"
	"github.com/nowgo/agents/internal/app/function"
)

func main() { function.ServeHTTP(app.Analysis, function.Redis) }
