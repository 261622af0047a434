package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"
)

// indexes of the table, with the attribute each sorts by. Every index keeps client_id as its partition key, so that no query can
// leave its client.
var indexes = map[string]string{"by_actor": "actor_sk", "by_parent": "parent_sk"}

// data is where things are kept.
type data struct {
	table         awsdynamodb.Table
	blobs         awss3.Bucket
	signingKeys   awssecretsmanager.CfnSecret
	platform      awssecretsmanager.CfnSecret
	administrator awssecretsmanager.CfnSecret
}

func (p *Platform) addData() {
	p.data = data{
		table:         p.newTable(),
		blobs:         p.newBlobs(),
		signingKeys:   p.newSecret("SigningKeys", "signing-keys", "What the key of access tokens is made from", generated(64, nil)),
		platform:      p.newSecret("PlatformSecret", "platform", "Seals cursors and kept answers", generated(64, nil)),
		administrator: p.newSecret("Administrator", "administrator", "The first global administrator", generated(24, jsii.Sprintf(`{"email":%q}`, p.settings.Administrator))),
	}
	p.output("TableName", p.data.table.TableName())
	p.output("BlobBucket", p.data.blobs.BucketName())
	p.output("AdministratorSecret", p.data.administrator.Ref())
}

func (p *Platform) newTable() awsdynamodb.Table {
	text := func(name string) *awsdynamodb.Attribute {
		return &awsdynamodb.Attribute{Name: jsii.String(name), Type: awsdynamodb.AttributeType_STRING}
	}
	table := awsdynamodb.NewTable(p.stack, jsii.String("Table"), &awsdynamodb.TableProps{
		TableName:                        jsii.String("nowgo-" + p.settings.Env),
		PartitionKey:                     text("client_id"),
		SortKey:                          text("sk"),
		TimeToLiveAttribute:              jsii.String("expires_at"),
		Stream:                           awsdynamodb.StreamViewType_NEW_AND_OLD_IMAGES,
		BillingMode:                      awsdynamodb.BillingMode_PAY_PER_REQUEST,
		Encryption:                       awsdynamodb.TableEncryption_CUSTOMER_MANAGED,
		EncryptionKey:                    p.key,
		DeletionProtection:               jsii.Bool(p.settings.Keep),
		RemovalPolicy:                    p.removal(),
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: jsii.Bool(p.settings.Keep)},
	})
	for _, name := range sorted(indexes) {
		table.AddGlobalSecondaryIndex(&awsdynamodb.GlobalSecondaryIndexProps{
			IndexName:      jsii.String(name),
			PartitionKey:   text("client_id"),
			SortKey:        text(indexes[name]),
			ProjectionType: awsdynamodb.ProjectionType_INCLUDE,
			// What lists show; the rest of an item is read by its key.
			NonKeyAttributes: texts("version", "schema", "expires_at", "summary"),
		})
	}
	return table
}

func (p *Platform) newBlobs() awss3.Bucket {
	return awss3.NewBucket(p.stack, jsii.String("Blobs"), &awss3.BucketProps{
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		Encryption:        awss3.BucketEncryption_KMS,
		EncryptionKey:     p.key,
		BucketKeyEnabled:  jsii.Bool(true),
		EnforceSSL:        jsii.Bool(true),
		MinimumTLSVersion: jsii.Number(1.2),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		Versioned:         jsii.Bool(p.settings.Keep),
		RemovalPolicy:     p.removal(),
		LifecycleRules: &[]*awss3.LifecycleRule{{
			AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(1)),
			NoncurrentVersionExpiration:         awscdk.Duration_Days(jsii.Number(30)),
		}},
	})
}

// newSecret makes a secret with a generated value.
func (p *Platform) newSecret(id, name, what string,
	generator *awssecretsmanager.CfnSecret_GenerateSecretStringProperty) awssecretsmanager.CfnSecret {
	secret := awssecretsmanager.NewCfnSecret(p.stack, jsii.String(id), &awssecretsmanager.CfnSecretProps{
		Name:                 jsii.String(p.settings.Secret(name)),
		Description:          jsii.String(what),
		KmsKeyId:             p.key.KeyArn(),
		GenerateSecretString: generator,
	})
	secret.ApplyRemovalPolicy(p.removal(), nil)
	return secret
}

// generated is a random value of letters and digits; with a template it is the password of that JSON object.
func generated(length float64, template *string) *awssecretsmanager.CfnSecret_GenerateSecretStringProperty {
	property := &awssecretsmanager.CfnSecret_GenerateSecretStringProperty{
		PasswordLength:     jsii.Number(length),
		ExcludePunctuation: jsii.Bool(true),
	}
	if template != nil {
		property.SecretStringTemplate, property.GenerateStringKey = template, jsii.String("password")
	}
	return property
}
