// Command monitoring serves the monitoring capability as a function behind API Gateway.
package main

import (
	"github.com/nowgo/agents/internal/app"
	"github.com/nowgo/agents/internal/app/function"
)

// The document at /openapi.json describes every operation; the gateway leads only this capability's paths here.
func main() { function.ServeDocs(app.All()...) }
