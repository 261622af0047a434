package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/nowgo/agents/internal/route"
)

// Platform is the stack of one deployment.
type Platform struct {
	stack     awscdk.Stack
	settings  Settings
	key       key
	data      data
	bus       bus
	roles     roles
	network   *network
	functions map[string]function
	api       awsapigateway.RestApi
}

// NewPlatform adds the stack to the app. It fails where a function was not built.
func NewPlatform(app constructs.Construct, settings Settings) (*Platform, error) {
	names := FunctionNames()
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(settings.Functions, name, "bootstrap")); err != nil {
			return nil, fmt.Errorf("infra: the function %s is not built: run make build ENV=%s", name, settings.Env)
		}
	}
	p := &Platform{settings: settings, functions: map[string]function{}}
	p.stack = awscdk.NewStack(app, jsii.String("Platform"), &awscdk.StackProps{
		StackName:             jsii.String("nowgo-" + settings.Env),
		Description:           jsii.String("NowGo Agents Platform, " + settings.Env),
		TerminationProtection: jsii.Bool(settings.Keep),
		Tags:                  &map[string]*string{"platform": jsii.String("nowgo"), "environment": jsii.String(settings.Env)},
	})
	p.addKey()
	p.addData()
	p.addNetwork()
	p.addBus()
	p.addRoles(names)
	for _, name := range names {
		p.addFunction(name)
	}
	if err := p.addWorkers(); err != nil {
		return nil, err
	}
	if err := p.addAPI(); err != nil {
		return nil, err
	}
	p.addAlarms()
	return p, nil
}

// FunctionNames lists the functions: a folder under functions/ each.
func FunctionNames() []string {
	var names []string
	for _, c := range route.Capabilities() {
		names = append(names, string(c))
	}
	for _, w := range route.Workers() {
		names = append(names, w.Name)
	}
	return names
}

// removal is what happens to data when the stack goes.
func (p *Platform) removal() awscdk.RemovalPolicy {
	if p.settings.Keep {
		return awscdk.RemovalPolicy_RETAIN
	}
	return awscdk.RemovalPolicy_DESTROY
}

// output names a value that those who deployed want to know.
func (p *Platform) output(name string, value *string) {
	awscdk.NewCfnOutput(p.stack, jsii.String(name), &awscdk.CfnOutputProps{Value: value})
}

func texts(s ...string) *[]*string { return jsii.Strings(s...) }

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
