package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/jsii-runtime-go"
)

type bus = awsevents.EventBus

// addBus makes the event bus and, where the environment keeps one, its archive: what was published can be replayed to a
// subscriber that comes later or was wrong.
func (p *Platform) addBus() {
	p.bus = awsevents.NewEventBus(p.stack, jsii.String("Bus"), &awsevents.EventBusProps{
		EventBusName: jsii.String("nowgo-" + p.settings.Env),
	})
	if p.settings.ArchiveDays > 0 {
		awsevents.NewCfnArchive(p.stack, jsii.String("Archive"), &awsevents.CfnArchiveProps{
			SourceArn:     p.bus.EventBusArn(),
			ArchiveName:   jsii.String(p.settings.Name("events")),
			Description:   jsii.String("Every event of the platform"),
			RetentionDays: jsii.Number(float64(p.settings.ArchiveDays)),
			EventPattern:  map[string]any{"source": []any{map[string]any{"prefix": "nowgo."}}},
		})
	}
	p.output("BusName", p.bus.EventBusName())
}
