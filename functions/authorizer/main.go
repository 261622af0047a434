// Command authorizer judges the credential of every call to the gateway.
package main

import "github.com/nowgo/agents/internal/app/function"

func main() { function.ServeAuthorizer() }
