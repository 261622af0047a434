package function

import (
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/settings"
)

var handed = map[string]string{"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}

func TestAMissingVariableIsNamed(t *testing.T) {
	if _, err := readEnv(settings.From(handed), "NOWGO_TABLE"); err == nil || !strings.Contains(err.Error(), "NOWGO_TABLE is not set") {
		t.Errorf("err: %v", err)
	}
	vars := map[string]string{"NOWGO_TABLE": "t"}
	for name, v := range handed {
		vars[name] = v
	}
	if v, err := readEnv(settings.From(vars), "NOWGO_TABLE"); err != nil || v.Table != "t" || v.Region != "us-east-1" {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestDataRoleMeansCredentialsPerClient(t *testing.T) {
	d, err := deploy(Env{Region: "us-east-1", AccessKey: "k", SecretKey: "s", DataRole: "arn:aws:iam::1:role/data"})
	if err != nil || d.clients == nil {
		t.Errorf("with a data role: %v, %v", d.clients, err)
	}
	if d, err = deploy(Env{Region: "us-east-1", AccessKey: "k", SecretKey: "s"}); err != nil || d.clients != nil {
		t.Errorf("without: %v, %v", d.clients, err)
	}
}
