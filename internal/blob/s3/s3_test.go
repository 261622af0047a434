package s3_test

import (
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/nowgo/agents/internal/blob"
	"github.com/nowgo/agents/internal/blob/blobtest"
	"github.com/nowgo/agents/internal/blob/s3"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/tests/env"
)

func TestMain(m *testing.M) { os.Exit(env.Main(m)) }

// bucket makes a bucket of its own for a test.
func bucket(t *testing.T, api *sdk.Client) string {
	t.Helper()
	name := strings.ReplaceAll(system.Real().NewID("test"), "_", "-")
	if _, err := api.CreateBucket(t.Context(), &sdk.CreateBucketInput{Bucket: aws.String(name)}); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestS3(t *testing.T) {
	api := s3.Client(env.AWS(env.MiniStack(t)))
	blobtest.Run(t, func(t *testing.T) blob.Store { return s3.New(api, bucket(t, api)) })
}

// TestKeysBeginWithTheClient holds what the roles of the functions rest on (invariant 1).
func TestKeysBeginWithTheClient(t *testing.T) {
	api := s3.Client(env.AWS(env.MiniStack(t)))
	name := bucket(t, api)
	if err := s3.New(api, name).Put(t.Context(), "cli_one", "a/b", []byte("x")); err != nil {
		t.Fatal(err)
	}
	out, err := api.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: &name})
	if err != nil || len(out.Contents) != 1 || *out.Contents[0].Key != "cli_one/a/b" {
		t.Errorf("the bucket holds %+v, %v", out.Contents, err)
	}
}
