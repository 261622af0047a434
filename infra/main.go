// The infra program is the platform's CDK app: it makes the CloudFormation template of one deployment from internal/route.
// The command line runs it; see cdk.json and infra/deploy.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	env, _ := app.Node().TryGetContext(jsii.String("env")).(string)
	settings, err := SettingsOf(env, os.Getenv)
	if err == nil {
		_, err = NewPlatform(app, settings)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		jsii.Close()
		os.Exit(2)
	}
	app.Synth(nil)
}
