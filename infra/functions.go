package main

import (
	"path/filepath"
	"runtime"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"github.com/nowgo/agents/internal/route"
)

type function = awslambda.Function

// backupDays is the longest that a copy which the deployment makes by itself lives: the table can be brought back to any moment of the
// last 35 days, and old versions of files go after 30.
const backupDays = 35

// addFunction makes the named function of what `make build` left in its folder.
func (p *Platform) addFunction(name string) {
	n := NeedsOf(name)
	logs := awslogs.NewLogGroup(p.stack, jsii.String("Log-"+name), &awslogs.LogGroupProps{
		LogGroupName:  jsii.String("/nowgo/" + p.settings.Env + "/" + name),
		Retention:     retention[p.settings.LogDays],
		RemovalPolicy: p.removal(),
	})
	p.allow(name, logs.LogGroupArn())
	props := &awslambda.FunctionProps{
		FunctionName: jsii.String(p.settings.Name(name)),
		Runtime:      awslambda.Runtime_PROVIDED_AL2023(),
		Handler:      jsii.String("bootstrap"),
		Architecture: p.architecture(),
		Code:         awslambda.Code_FromAsset(jsii.String(filepath.Join(p.settings.Functions, name)), nil),
		Role:         p.roles.own[name],
		LogGroup:     logs,
		MemorySize:   jsii.Number(n.MemoryMB),
		Timeout:      awscdk.Duration_Seconds(jsii.Number(n.Seconds)),
		Environment:  p.environment(name, n),
	}
	if p.settings.TenantIsolation && serves(name) {
		props.TenancyConfig = awslambda.TenancyConfig_PER_TENANT()
	}
	if p.network != nil && shares(name) {
		props.Vpc, props.SecurityGroups = p.network.vpc, &[]awsec2.ISecurityGroup{p.network.group}
		props.VpcSubnets = &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED}
	}
	p.functions[name] = awslambda.NewFunction(p.stack, jsii.String("Function-"+name), props)
}

var retention = map[int]awslogs.RetentionDays{
	1: awslogs.RetentionDays_ONE_DAY, 30: awslogs.RetentionDays_ONE_MONTH, 90: awslogs.RetentionDays_THREE_MONTHS,
}

// architecture is Graviton on AWS; the emulator runs functions as they are, on this machine.
func (p *Platform) architecture() awslambda.Architecture {
	if p.settings.Local && runtime.GOARCH == "amd64" {
		return awslambda.Architecture_X86_64()
	}
	return awslambda.Architecture_ARM_64()
}

// serves reports whether the function is a capability: one that answers HTTP.
func serves(name string) bool { return slices.Contains(route.Capabilities(), route.Capability(name)) }

// shares reports whether the function uses the cache that functions share: the capabilities but the one that reads nothing, and the eraser,
// which clears it.
func shares(name string) bool {
	return serves(name) && name != string(route.Monitoring) || name == "eraser"
}

// environment names to a function what it may reach. In the emulator there are no data roles: it has none to enforce.
func (p *Platform) environment(name string, n Needs) *map[string]*string {
	env := map[string]*string{"NOWGO_ENV": jsii.String(p.settings.Env)}
	if n.Clients || n.Directory != None || n.Trail {
		env["NOWGO_TABLE"] = p.data.table.TableName()
	}
	if n.Clients {
		env["NOWGO_BLOBS"] = p.data.blobs.BucketName()
		if !p.settings.Local {
			env["NOWGO_DATA_ROLE_ARN"] = p.roles.data.AttrArn()
		}
	}
	if n.Registrar && !p.settings.Local {
		env["NOWGO_REGISTRAR_ROLE_ARN"] = p.roles.registrar.AttrArn()
	}
	if n.Registrar && p.settings.PublicURL != "" {
		env["NOWGO_PUBLIC_URL"] = jsii.String(p.settings.PublicURL)
	}
	if n.Backups && p.settings.Local {
		env["NOWGO_ERASURE_SETTLE"] = jsii.String("1") // nobody waits an hour to try it
	}
	if n.Backups && p.settings.Keep {
		env["NOWGO_BACKUP_DAYS"] = jsii.Sprintf("%d", backupDays)
	}
	if n.Seal || n.Prove {
		env["NOWGO_KMS_KEY_ARN"] = p.key.KeyArn()
	}
	if n.Mail && p.settings.MailFrom != "" {
		env["NOWGO_MAIL"], env["NOWGO_MAIL_FROM"] = jsii.String("ses:"), jsii.String(p.settings.MailFrom)
	}
	if p.network != nil && shares(name) {
		env["NOWGO_REDIS_URL"] = p.network.redis
	}
	if n.Platform && p.settings.Local {
		env["NOWGO_RATE_SHARE"] = jsii.String("1000") // tests ask faster than any plan allows
	}
	if n.Publish {
		env["NOWGO_BUS"] = p.bus.EventBusName()
	}
	if n.SigningKeys {
		env["NOWGO_SIGNING_KEYS_SECRET"] = p.data.signingKeys.Ref()
	}
	if n.Platform {
		env["NOWGO_PLATFORM_SECRET"] = p.data.platform.Ref()
	}
	if n.Administrator {
		env["NOWGO_ADMINISTRATOR_SECRET"] = p.data.administrator.Ref()
	}
	return &env
}
