package main

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdaeventsources"
	"github.com/aws/jsii-runtime-go"

	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/store/keys"
)

// addWorkers connects every worker to what wakes it.
func (p *Platform) addWorkers() error {
	for _, w := range route.Workers() {
		switch w.Trigger {
		case route.Gateway, route.Schedule, route.Operator: // the API asks it; the clock wakes it, below; an operator does
		case route.Stream:
			p.followStream(w.Name)
		case route.Queue:
			if err := p.subscribe(w); err != nil {
				return err
			}
		default:
			return fmt.Errorf("infra: the worker %s has the trigger %q, which is not known here", w.Name, w.Trigger)
		}
		if w.Hourly {
			p.hourly(w.Name)
		}
	}
	return nil
}

// followStream wakes the worker with the new audit events of the table's change stream. What fails is tried again in halves, so
// that one bad record does not hold up the rest, and at last a note of it is set aside, which the worker's hourly run takes up.
func (p *Platform) followStream(name string) {
	dead := p.deadLetters(name)
	stream := p.data.table.TableStreamArn()
	role := p.roles.own[name]
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("Stream"),
		Actions:   texts("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
		Resources: &[]*string{stream},
	}))
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("Streams"), // this action knows no resource
		Actions:   texts("dynamodb:ListStreams"),
		Resources: texts("*"),
	}))
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("SetAside"),
		Actions:   texts("sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:SendMessage"),
		Resources: &[]*string{dead.QueueArn()},
	}))
	role.AddToPolicy(p.useOfKey("dynamodb"))
	p.functions[name].AddEnvironment(jsii.String("NOWGO_FAILURES"), dead.QueueUrl(), nil)
	p.functions[name].AddEventSourceMapping(jsii.String("Stream"), &awslambda.EventSourceMappingOptions{
		EventSourceArn:          stream,
		StartingPosition:        awslambda.StartingPosition_TRIM_HORIZON,
		BatchSize:               jsii.Number(100),
		BisectBatchOnError:      jsii.Bool(true),
		ReportBatchItemFailures: jsii.Bool(true),
		RetryAttempts:           jsii.Number(5),
		ParallelizationFactor:   jsii.Number(4),
		OnFailure:               awslambdaeventsources.NewSqsDlq(dead),
		Filters:                 &[]*map[string]any{newEvents()},
	})
	p.watchDeadLetters(name, dead)
	p.watchAge(name)
}

// newEvents is the stream's filter: items created under the prefix of audit events.
func newEvents() *map[string]any {
	return awslambda.FilterCriteria_Filter(&map[string]any{
		"eventName": awslambda.FilterRule_IsEqual("INSERT"),
		"dynamodb": map[string]any{"Keys": map[string]any{"sk": map[string]any{
			"S": awslambda.FilterRule_BeginsWith(jsii.String(keys.EventPrefix))}}},
	})
}

// subscribe feeds the worker's queue with the events of its pattern. Messages fail one by one.
func (p *Platform) subscribe(w route.Worker) error {
	var pattern map[string]any
	if err := json.Unmarshal([]byte(w.Pattern), &pattern); err != nil {
		return fmt.Errorf("infra: the pattern of %s: %w", w.Name, err)
	}
	dead := p.deadLetters(w.Name)
	queue := p.queue(w.Name, dead)
	rule := awsevents.NewCfnRule(p.stack, jsii.String("Rule-"+w.Name), &awsevents.CfnRuleProps{
		Name:         jsii.String(p.settings.Name(w.Name)),
		EventBusName: p.bus.EventBusName(),
		EventPattern: pattern,
		Targets: &[]any{&awsevents.CfnRule_TargetProperty{
			Arn: queue.QueueArn(), Id: jsii.String("queue"),
			DeadLetterConfig: &awsevents.CfnRule_DeadLetterConfigProperty{Arn: dead.QueueArn()},
		}},
	})
	letIn(queue, rule.AttrArn())
	letIn(dead, rule.AttrArn())
	p.consume(w.Name, queue)
	p.functions[w.Name].AddEventSourceMapping(jsii.String("Queue"), &awslambda.EventSourceMappingOptions{
		EventSourceArn:          queue.QueueArn(),
		BatchSize:               jsii.Number(10),
		ReportBatchItemFailures: jsii.Bool(true),
	})
	p.watchDeadLetters(w.Name, dead)
	return nil
}

// hourly wakes the worker once an hour, to finish what an outage left behind.
func (p *Platform) hourly(name string) {
	awsevents.NewRule(p.stack, jsii.String("Hourly-"+name), &awsevents.RuleProps{
		RuleName: jsii.String(p.settings.Name(name + "-hourly")),
		Schedule: awsevents.Schedule_Rate(awscdk.Duration_Hours(jsii.Number(1))),
		Targets: &[]awsevents.IRuleTarget{awseventstargets.NewLambdaFunction(p.functions[name],
			&awseventstargets.LambdaFunctionProps{RetryAttempts: jsii.Number(2)})},
	})
}
