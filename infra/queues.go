package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

// deadLetters makes the queue that holds, for 14 days, what could not be done.
func (p *Platform) deadLetters(of string) awssqs.Queue {
	return awssqs.NewQueue(p.stack, jsii.String("DeadLetters-"+of), &awssqs.QueueProps{
		QueueName:       jsii.String(p.settings.Name(of + "-dead-letters")),
		Encryption:      awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:      jsii.Bool(true),
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(14)),
	})
}

// queue makes a worker's queue. A message is hidden for six times the function's time, as Lambda asks, and given up after five
// attempts.
func (p *Platform) queue(of string, dead awssqs.IQueue) awssqs.Queue {
	return awssqs.NewQueue(p.stack, jsii.String("Queue-"+of), &awssqs.QueueProps{
		QueueName:         jsii.String(p.settings.Name(of)),
		Encryption:        awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:        jsii.Bool(true),
		RetentionPeriod:   awscdk.Duration_Days(jsii.Number(4)),
		VisibilityTimeout: awscdk.Duration_Seconds(jsii.Number(6 * NeedsOf(of).Seconds)),
		DeadLetterQueue:   &awssqs.DeadLetterQueue{Queue: dead, MaxReceiveCount: jsii.Number(5)},
	})
}

// letIn lets one rule of the bus, and nothing else, send to the queue.
func letIn(queue awssqs.Queue, rule *string) {
	queue.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("Rule"),
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("events.amazonaws.com"), nil)},
		Actions:    texts("sqs:SendMessage"),
		Resources:  &[]*string{queue.QueueArn()},
		Conditions: &map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": rule}},
	}))
}

// consume lets the function take messages from the queue.
func (p *Platform) consume(name string, queue awssqs.Queue) {
	p.roles.own[name].AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("OwnQueue"),
		Actions:   texts("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
		Resources: &[]*string{queue.QueueArn()},
	}))
}
