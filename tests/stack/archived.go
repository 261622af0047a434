package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/nowgo/agents/tests/env"
	"github.com/nowgo/agents/tests/ndjson"
)

// Archived returns the audit bodies that the archivist has kept of a client so far: what went the whole way from a commit by the
// change stream, the relay, the bus and a queue. One that was delivered twice may be there twice.
func (s *Stack) Archived(ctx context.Context, client string) ([]json.RawMessage, error) {
	api := s3.NewFromConfig(env.AWS(s.Endpoint), func(o *s3.Options) { o.UsePathStyle = true })
	var bodies []json.RawMessage
	pages := s3.NewListObjectsV2Paginator(api, &s3.ListObjectsV2Input{Bucket: &s.Bucket, Prefix: aws.String(client + "/events/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, object := range page.Contents {
			if !strings.HasSuffix(aws.ToString(object.Key), ".ndjson.gz") {
				continue
			}
			file, err := api.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.Bucket, Key: object.Key})
			if err != nil {
				return nil, err
			}
			lines, err := ndjson.Read(file.Body)
			if err = errors.Join(err, file.Body.Close()); err != nil {
				return nil, fmt.Errorf("%s: %w", aws.ToString(object.Key), err)
			}
			bodies = append(bodies, lines...)
		}
	}
	return bodies, nil
}
