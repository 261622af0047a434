package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/jsii-runtime-go"
)

type key = awskms.Key

// addKey makes the key that the table, the files and the secrets are encrypted with.
func (p *Platform) addKey() {
	p.key = awskms.NewKey(p.stack, jsii.String("Key"), &awskms.KeyProps{
		Alias:             jsii.String("nowgo/" + p.settings.Env),
		Description:       jsii.String("The table, files and secrets of NowGo " + p.settings.Env),
		EnableKeyRotation: jsii.Bool(true),
		RemovalPolicy:     p.removal(),
	})
}

// useOfKey lets the holder use the key through the given services alone, never by itself.
func (p *Platform) useOfKey(services ...string) awsiam.PolicyStatement {
	via := make([]string, len(services))
	for i, service := range services {
		via[i] = service + "." + *p.stack.Region() + "." + *p.stack.UrlSuffix()
	}
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("UseOfKey"),
		Actions:    texts("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
		Resources:  &[]*string{p.key.KeyArn()},
		Conditions: &map[string]any{"StringEquals": map[string]any{"kms:ViaService": via}},
	})
}
