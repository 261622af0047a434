package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

// addAlarms watches every function and the API.
func (p *Platform) addAlarms() {
	five := &awscloudwatch.MetricOptions{Period: awscdk.Duration_Minutes(jsii.Number(5)), Statistic: jsii.String("Sum")}
	for _, name := range sorted(p.functions) {
		f := p.functions[name]
		p.alarm("Errors-"+name, "The function "+name+" failed", f.MetricErrors(five), 0)
		p.alarm("Throttles-"+name, "The function "+name+" was refused a place to run", f.MetricThrottles(five), 0)
	}
	p.alarm("ServerErrors", "The API answered with a 5xx", p.api.MetricServerError(five), 0)
}

// watchDeadLetters raises the alarm as soon as something was given up.
func (p *Platform) watchDeadLetters(name string, queue awssqs.Queue) {
	p.alarm("DeadLetters-"+name, "Something for "+name+" was given up and waits in its dead-letter queue",
		queue.MetricApproximateNumberOfMessagesVisible(&awscloudwatch.MetricOptions{
			Period: awscdk.Duration_Minutes(jsii.Number(1)), Statistic: jsii.String("Maximum")}), 0)
}

// watchAge raises the alarm when the worker is five minutes behind the stream.
func (p *Platform) watchAge(name string) {
	p.alarm("Age-"+name, "The function "+name+" is behind the change stream",
		p.functions[name].Metric(jsii.String("IteratorAge"), &awscloudwatch.MetricOptions{
			Period: awscdk.Duration_Minutes(jsii.Number(1)), Statistic: jsii.String("Maximum")}), 300_000)
}

// alarm rises when the metric is over the limit in one period; a metric that is not there is well.
func (p *Platform) alarm(id, what string, metric awscloudwatch.IMetric, limit float64) {
	awscloudwatch.NewAlarm(p.stack, jsii.String("Alarm-"+id), &awscloudwatch.AlarmProps{
		AlarmName:          jsii.String(p.settings.Name(id)),
		AlarmDescription:   jsii.String(what),
		Metric:             metric,
		Threshold:          jsii.Number(limit),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD,
		EvaluationPeriods:  jsii.Number(1),
		TreatMissingData:   awscloudwatch.TreatMissingData_NOT_BREACHING,
	})
}
