// Command eraser removes what clients that left have, and certifies it.
package main

import "github.com/nowgo/agents/internal/app/function"

func main() { function.ServeEraser() }
