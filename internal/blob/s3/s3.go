// Package s3 keeps files in an Amazon S3 bucket, under `<client>/<name>`, so that a role can be held to one client by the key's
// first part. Encryption at rest is the bucket's own default.
package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/nowgo/agents/internal/blob"
	"github.com/nowgo/agents/internal/tenant"
)

// API is what the store needs of the SDK's client.
type API interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

// Client returns an S3 client. With an endpoint of its own (an emulator's) it names buckets in the path: the host
// `<bucket>.localhost` would have to resolve otherwise.
func Client(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil })
}

// Store keeps files in one bucket. It may be used concurrently.
type Store struct {
	api    API
	bucket string
	sign   Credentials // nil: the API's own
}

// Credentials gives those that reach the files of one client alone. It may be called concurrently.
type Credentials func(client tenant.ID) (aws.CredentialsProvider, error)

var _ blob.Store = (*Store)(nil)

// New returns the store in the given bucket, which must exist, reached with the API's own credentials for all clients.
func New(api API, bucket string) *Store { return &Store{api: api, bucket: bucket} }

// NewFor returns the store in the given bucket, reached for each client with the credentials that sign gives for it.
func NewFor(api API, bucket string, sign Credentials) *Store { return &Store{api, bucket, sign} }

// as returns what makes a request one for the client's files alone.
func (s *Store) as(client tenant.ID) (func(*s3.Options), error) {
	if s.sign == nil {
		return func(*s3.Options) {}, nil
	}
	credentials, err := s.sign(client)
	if err != nil {
		return nil, fmt.Errorf("s3: credentials: %w", err)
	}
	return func(o *s3.Options) { o.Credentials = credentials }, nil
}

func key(client tenant.ID, name string) *string { return aws.String(string(client) + "/" + name) }

// Put implements [blob.Store]. Errors: [blob.ErrBadName], [blob.ErrTooLarge], those of the SDK.
func (s *Store) Put(ctx context.Context, client tenant.ID, name string, content []byte) error {
	if err := blob.CheckName(client, name); err != nil {
		return err
	}
	if len(content) > blob.MaxSize {
		return blob.ErrTooLarge
	}
	as, err := s.as(client)
	if err != nil {
		return err
	}
	in := &s3.PutObjectInput{Bucket: &s.bucket, Key: key(client, name), Body: bytes.NewReader(content)}
	if _, err := s.api.PutObject(ctx, in, as); err != nil {
		return fmt.Errorf("s3: put: %w", err)
	}
	return nil
}

// Get implements [blob.Store]. Errors: [blob.ErrBadName], [blob.ErrNotFound], [blob.ErrTooLarge], those of the SDK.
func (s *Store) Get(ctx context.Context, client tenant.ID, name string) ([]byte, error) {
	if err := blob.CheckName(client, name); err != nil {
		return nil, err
	}
	as, err := s.as(client)
	if err != nil {
		return nil, err
	}
	out, err := s.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: key(client, name)}, as)
	if none := (*types.NoSuchKey)(nil); errors.As(err, &none) {
		return nil, blob.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("s3: get: %w", err)
	}
	content, err := io.ReadAll(io.LimitReader(out.Body, blob.MaxSize+1))
	if err := errors.Join(err, out.Body.Close()); err != nil {
		return nil, fmt.Errorf("s3: get: %w", err)
	}
	if len(content) > blob.MaxSize {
		return nil, blob.ErrTooLarge
	}
	return content, nil
}

// Delete implements [blob.Store]. Errors: [blob.ErrBadName], those of the SDK.
func (s *Store) Delete(ctx context.Context, client tenant.ID, name string) error {
	if err := blob.CheckName(client, name); err != nil {
		return err
	}
	as, err := s.as(client)
	if err != nil {
		return err
	}
	if _, err := s.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: key(client, name)}, as); err != nil {
		return fmt.Errorf("s3: delete: %w", err)
	}
	return nil
}

// List implements [blob.Store]. Errors: [blob.ErrBadName], those of the SDK.
func (s *Store) List(ctx context.Context, client tenant.ID, prefix, after string) ([]string, error) {
	if err := errors.Join(blob.CheckPrefix(client, prefix), blob.CheckPrefix(client, after)); err != nil {
		return nil, err
	}
	in := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: key(client, prefix), MaxKeys: aws.Int32(blob.MaxList)}
	if after != "" {
		in.StartAfter = key(client, after)
	}
	as, err := s.as(client)
	if err != nil {
		return nil, err
	}
	out, err := s.api.ListObjectsV2(ctx, in, as)
	if err != nil {
		return nil, fmt.Errorf("s3: list: %w", err)
	}
	names := make([]string, 0, len(out.Contents))
	for _, object := range out.Contents {
		names = append(names, strings.TrimPrefix(aws.ToString(object.Key), string(client)+"/"))
	}
	return names, nil
}
