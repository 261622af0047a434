package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticache"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
)

// network is where the functions are that share a Redis; nil where the environment has none: functions then are in no network.
type network struct {
	vpc   awsec2.Vpc
	group awsec2.SecurityGroup // of the functions
	redis *string              // URL of the cache
}

const redisPort = 6379

// addNetwork makes the network of an environment with Redis: subnets without a way out, the endpoints of the services that functions
// call, and the cache, which takes connections from the functions alone, encrypted.
func (p *Platform) addNetwork() {
	if !p.settings.Redis {
		return
	}
	vpc := awsec2.NewVpc(p.stack, jsii.String("Network"), &awsec2.VpcProps{
		MaxAzs:                       jsii.Number(2),
		NatGateways:                  jsii.Number(0),
		RestrictDefaultSecurityGroup: jsii.Bool(false), // which takes a function of the library's own
		SubnetConfiguration: &[]*awsec2.SubnetConfiguration{{
			Name: jsii.String("functions"), SubnetType: awsec2.SubnetType_PRIVATE_ISOLATED}},
	})
	vpc.AddGatewayEndpoint(jsii.String("DynamoDB"), &awsec2.GatewayVpcEndpointOptions{Service: awsec2.GatewayVpcEndpointAwsService_DYNAMODB()})
	vpc.AddGatewayEndpoint(jsii.String("S3"), &awsec2.GatewayVpcEndpointOptions{Service: awsec2.GatewayVpcEndpointAwsService_S3()})
	for name, service := range map[string]awsec2.InterfaceVpcEndpointAwsService{
		"STS": awsec2.InterfaceVpcEndpointAwsService_STS(), "Secrets": awsec2.InterfaceVpcEndpointAwsService_SECRETS_MANAGER(),
		"KMS": awsec2.InterfaceVpcEndpointAwsService_KMS(), "SES": awsec2.InterfaceVpcEndpointAwsService_EMAIL(),
	} {
		vpc.AddInterfaceEndpoint(jsii.String(name), &awsec2.InterfaceVpcEndpointOptions{Service: service})
	}
	functions := p.securityGroup(vpc, "Functions", "The functions of NowGo "+p.settings.Env)
	caches := p.securityGroup(vpc, "Cache", "The cache of NowGo "+p.settings.Env)
	caches.AddIngressRule(functions, awsec2.Port_Tcp(jsii.Number(redisPort)), jsii.String("Functions alone"), nil)
	var subnets []any
	for _, s := range *vpc.IsolatedSubnets() {
		subnets = append(subnets, s.SubnetId())
	}
	cache := awselasticache.NewCfnServerlessCache(p.stack, jsii.String("Redis"), &awselasticache.CfnServerlessCacheProps{
		Engine:              jsii.String("valkey"),
		MajorEngineVersion:  jsii.String("8"),
		ServerlessCacheName: jsii.String(p.settings.Name("cache")),
		Description:         jsii.String("What can be lost, rates and attempts of NowGo " + p.settings.Env),
		KmsKeyId:            p.key.KeyArn(),
		SecurityGroupIds:    &[]any{caches.SecurityGroupId()},
		SubnetIds:           &subnets,
	})
	p.network = &network{vpc: vpc, group: functions,
		redis: jsii.Sprintf("rediss://%s:%s", *cache.AttrEndpointAddress(), *cache.AttrEndpointPort())}
}

func (p *Platform) securityGroup(vpc awsec2.Vpc, id, what string) awsec2.SecurityGroup {
	return awsec2.NewSecurityGroup(p.stack, jsii.String("Group"+id), &awsec2.SecurityGroupProps{Vpc: vpc, Description: jsii.String(what)})
}

// inNetwork lets a function's role have the network interfaces that Lambda makes for it. These actions know no resource before the
// interface is there (Service Authorization Reference, Amazon EC2).
func inNetwork() awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String("NetworkInterfaces"),
		Actions: texts("ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",
			"ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"),
		Resources: texts("*"),
	})
}
