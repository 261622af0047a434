// Package secrets keeps the key document in AWS Secrets Manager.
package secrets

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/keykeeper"
	"github.com/nowgo/agents/internal/system"
)

// The labels of a secret's versions (Secrets Manager User Guide, "Version").
const (
	current = "AWSCURRENT" // what is read
	pending = "AWSPENDING" // what is about to be
)

// API is what is used of the client.
type API interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
	PutSecretValue(context.Context, *secretsmanager.PutSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.PutSecretValueOutput, error)
	UpdateSecretVersionStage(context.Context, *secretsmanager.UpdateSecretVersionStageInput, ...func(*secretsmanager.Options)) (*secretsmanager.UpdateSecretVersionStageOutput, error)
}

// Secret is a secret that holds the key document or, before the first rotation, the text that the first key is derived from. It is a
// [keykeeper.Store].
type Secret struct {
	API    API
	ID     string // name or ARN
	System system.System
}

var _ keykeeper.Store = Secret{}

// Load returns the key document, for an [identity.KeyRing].
func (s Secret) Load(ctx context.Context) ([]byte, error) {
	document, _, err := s.Read(ctx)
	return document, err
}

// Read implements [keykeeper.Store].
func (s Secret) Read(ctx context.Context) (document []byte, version string, err error) {
	out, err := s.API.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(s.ID), VersionStage: aws.String(current)})
	if err != nil {
		return nil, "", fmt.Errorf("secret %s: %w", s.ID, err)
	}
	document, err = identity.KeyDocument([]byte(aws.ToString(out.SecretString)))
	if err != nil {
		return nil, "", fmt.Errorf("secret %s: %w", s.ID, err)
	}
	return document, aws.ToString(out.VersionId), nil
}

// Replace implements [keykeeper.Store]. The new version is written beside the current one, and then takes its label: which Secrets
// Manager does only if the label still is where it is taken from.
func (s Secret) Replace(ctx context.Context, version string, next []byte) error {
	written, err := s.API.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String(s.ID),
		ClientRequestToken: aws.String(s.System.NewSecret()), SecretString: aws.String(string(next)), VersionStages: []string{pending}})
	if err != nil {
		return fmt.Errorf("secret %s: %w", s.ID, err)
	}
	_, err = s.API.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{SecretId: aws.String(s.ID),
		VersionStage: aws.String(current), MoveToVersionId: written.VersionId, RemoveFromVersionId: aws.String(version)})
	var elsewhere *types.InvalidParameterException
	var gone *types.ResourceNotFoundException // a version without labels may be deleted
	if errors.As(err, &elsewhere) || errors.As(err, &gone) {
		return fmt.Errorf("secret %s: %w", s.ID, identity.ErrKeysMoved)
	}
	if err != nil {
		return fmt.Errorf("secret %s: %w", s.ID, err)
	}
	return nil
}
