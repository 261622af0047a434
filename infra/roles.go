package main

import (
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
)

// roles are those that functions take on to reach data.
type roles struct {
	data      awsiam.CfnRole
	registrar awsiam.CfnRole
	own       map[string]awsiam.Role // of each function, by its name
}

// directory is the pattern of every platform partition. No client's id holds a `$`, so it matches none of them.
var directory = []string{"$login#*", "$apikey#*", "$clients#*", "$platform#*", platformTrail}

// platformTrail is the pattern of the partitions of the platform's own trail.
const platformTrail = "$trail#*"

// tagOfClient is, in a policy, the client that the session was tagged with.
const tagOfClient = "${aws:PrincipalTag/client_id}"

// The table's actions. There is neither Scan nor PartiQL, which no leading key can bind.
var (
	reads  = []string{"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"}
	writes = []string{"dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}
)

// addRoles makes a role per function and the two roles that data is reached through.
func (p *Platform) addRoles(names []string) {
	p.roles.own = map[string]awsiam.Role{}
	var clients, registrars []*string
	for _, name := range names {
		role := awsiam.NewRole(p.stack, jsii.String("Role-"+name), &awsiam.RoleProps{
			AssumedBy:   awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
			Description: jsii.Sprintf("The function %s of NowGo %s", name, p.settings.Env),
		})
		p.roles.own[name] = role
		if NeedsOf(name).Clients {
			clients = append(clients, role.RoleArn())
		}
		if NeedsOf(name).Registrar {
			registrars = append(registrars, role.RoleArn())
		}
	}
	p.roles.data = p.taggedRole("DataRole", "One client's rows and files, that of the session's tag", clients,
		p.rows("OneClient", slices.Concat(reads, writes), "ForAllValues:StringEquals", tagOfClient),
		p.files(), p.filesListed(), p.secrets("SecretsOfOneClient", "StringEquals", "client_id", tagOfClient), p.useOfKey("dynamodb", "s3"))
	p.roles.registrar = p.taggedRole("RegistrarRole",
		"One client's rows together with the directory's; its sessions carry a policy that names the keys", registrars,
		p.rows("OneClientAndDirectory", slices.Concat(reads, writes), "ForAllValues:StringLike",
			append([]string{tagOfClient}, directory...)...),
		p.useOfKey("dynamodb"))
}

// taggedRole makes a role that the principals may take on only in a session that is tagged with a client.
func (p *Platform) taggedRole(id, what string, principals []*string, statements ...awsiam.PolicyStatement) awsiam.CfnRole {
	trust := awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: texts("sts:AssumeRole", "sts:TagSession"),
		Conditions: &map[string]any{
			"StringLike":                map[string]any{"aws:RequestTag/client_id": []string{"cli_*", "platform"}},
			"ForAllValues:StringEquals": map[string]any{"aws:TagKeys": []string{"client_id"}},
			"Null":                      map[string]any{"aws:RequestTag/client_id": "false"},
		},
	})
	for _, arn := range principals {
		trust.AddArnPrincipal(arn)
	}
	return awsiam.NewCfnRole(p.stack, jsii.String(id), &awsiam.CfnRoleProps{
		Description:              jsii.String(what),
		AssumeRolePolicyDocument: document(trust),
		Policies:                 &[]any{&awsiam.CfnRole_PolicyProperty{PolicyName: jsii.String("data"), PolicyDocument: document(statements...)}},
	})
}

// rows lets the actions touch only items whose partition keys all match. A request that names no key at all would satisfy
// ForAllValues, so its absence is refused beside it.
func (p *Platform) rows(sid string, actions []string, operator string, keys ...string) awsiam.PolicyStatement {
	resources := []*string{p.data.table.TableArn()}
	for _, index := range sorted(indexes) {
		resources = append(resources, jsii.Sprintf("%s/index/%s", *p.data.table.TableArn(), index))
	}
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String(sid),
		Actions:   texts(actions...),
		Resources: &resources,
		Conditions: &map[string]any{
			operator: map[string]any{"dynamodb:LeadingKeys": keys},
			"Null":   map[string]any{"dynamodb:LeadingKeys": "false"},
		},
	})
}

func (p *Platform) files() awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:       jsii.String("FilesOfOneClient"),
		Actions:   texts("s3:DeleteObject", "s3:GetObject", "s3:PutObject"),
		Resources: &[]*string{p.data.blobs.ArnForObjects(jsii.String(tagOfClient + "/*"))},
	})
}

func (p *Platform) filesListed() awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("ListOfOneClientsFiles"),
		Actions:    texts("s3:ListBucket"),
		Resources:  &[]*string{p.data.blobs.BucketArn()},
		Conditions: &map[string]any{"StringLike": map[string]any{"s3:prefix": tagOfClient + "/*"}},
	})
}

// secrets lets the holder seal and open what the encryption context names, and nothing else: without that part of the context the key is
// refused.
func (p *Platform) secrets(sid, operator, part, value string) awsiam.PolicyStatement {
	name := "kms:EncryptionContext:" + part
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String(sid),
		Actions:    texts("kms:Decrypt", "kms:GenerateDataKey"),
		Resources:  &[]*string{p.key.KeyArn()},
		Conditions: &map[string]any{operator: map[string]any{name: value}, "Null": map[string]any{name: "false"}},
	})
}

// mail lets the holder send mail from the environment's address.
func (p *Platform) mail() awsiam.PolicyStatement {
	_, domain, _ := strings.Cut(p.settings.MailFrom, "@")
	identity := func(name string) *string {
		return jsii.Sprintf("arn:%s:ses:%s:%s:identity/%s", *p.stack.Partition(), *p.stack.Region(), *p.stack.Account(), name)
	}
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("Mail"),
		Actions:    texts("ses:SendRawEmail"),
		Resources:  &[]*string{identity(p.settings.MailFrom), identity(domain)},
		Conditions: &map[string]any{"StringEquals": map[string]any{"ses:FromAddress": p.settings.MailFrom}},
	})
}

// allow gives a function's own role what it needs, and no more.
func (p *Platform) allow(name string, logs *string) {
	n, role := NeedsOf(name), p.roles.own[name]
	give := func(s awsiam.PolicyStatement) { role.AddToPolicy(s) }
	plain := func(sid string, resources []*string, actions ...string) {
		give(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Sid: jsii.String(sid), Actions: texts(actions...), Resources: &resources}))
	}
	plain("OwnLog", []*string{logs}, "logs:CreateLogStream", "logs:PutLogEvents")
	if n.Clients {
		plain("TakeOnDataRole", []*string{p.roles.data.AttrArn()}, "sts:AssumeRole", "sts:TagSession")
	}
	if n.Registrar {
		plain("TakeOnRegistrarRole", []*string{p.roles.registrar.AttrArn()}, "sts:AssumeRole", "sts:TagSession")
	}
	switch n.Directory {
	case Read:
		give(p.rows("Directory", reads, "ForAllValues:StringLike", directory...))
	case Write:
		give(p.rows("Directory", slices.Concat(reads, writes), "ForAllValues:StringLike", directory...))
	case None:
	}
	if n.Trail && n.Directory != Write {
		give(p.rows("PlatformTrail", []string{"dynamodb:PutItem"}, "ForAllValues:StringLike", platformTrail))
	}
	var secrets []*string
	if n.SigningKeys {
		secrets = append(secrets, p.data.signingKeys.Ref())
	}
	if n.Platform {
		secrets = append(secrets, p.data.platform.Ref())
	}
	if n.Administrator {
		secrets = append(secrets, p.data.administrator.Ref())
	}
	if len(secrets) > 0 {
		plain("Secrets", secrets, "secretsmanager:GetSecretValue")
	}
	if n.RotateKeys {
		plain("RotateKeys", []*string{p.data.signingKeys.Ref()}, "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage")
	}
	if n.Seal {
		give(p.secrets("SecretsOfPersons", "StringLike", "person_id", "per_*"))
	}
	if n.Mail && p.settings.MailFrom != "" {
		give(p.mail())
	}
	if p.network != nil && shares(name) {
		give(inNetwork())
	}
	if n.Publish {
		plain("Publish", []*string{p.bus.EventBusArn()}, "events:PutEvents")
	}
	if services := n.encrypted(); len(services) > 0 {
		give(p.useOfKey(services...))
	}
}

// encrypted lists the services whose encrypted things a function reaches with its own role.
func (n Needs) encrypted() []string {
	var services []string
	if n.Directory != None || n.Trail {
		services = append(services, "dynamodb")
	}
	if n.SigningKeys || n.Platform || n.Administrator {
		services = append(services, "secretsmanager")
	}
	return services
}

func document(statements ...awsiam.PolicyStatement) awsiam.PolicyDocument {
	return awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &statements, Minimize: jsii.Bool(false)})
}
