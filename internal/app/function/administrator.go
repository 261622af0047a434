package function

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/nowgo/agents/internal/app"
)

// administrator makes the platform's first administrator from its secret, if it is not there yet.
func (d Deployment) administrator(ctx context.Context, a *app.App) error {
	if d.Env.Administrator == "" {
		return nil
	}
	document, err := secret(ctx, secretsmanager.NewFromConfig(d.AWS), d.Env.Administrator)
	if err != nil {
		return err
	}
	var first struct{ Email, Password string }
	if err := json.Unmarshal(document, &first); err != nil {
		return fmt.Errorf("secret %s: %w", d.Env.Administrator, err)
	}
	if _, _, err := a.Identity.EnsureGlobalAdmin(ctx, first.Email, first.Password); err != nil {
		return fmt.Errorf("administrator: %w", err)
	}
	return nil
}
