// Command reflecting calls a method by a name that the linker cannot know.
package main

import (
	"fmt"
	"os"
	"reflect"
	"time"
)

func main() {
	fmt.Println(reflect.ValueOf(time.Now()).MethodByName(os.Args[0]).IsValid())
}
