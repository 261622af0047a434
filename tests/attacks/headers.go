package attacks

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Headers attacks with headers: copies of what the gateway tells its functions, and Authorization in forms that two readers might read
// differently. It returns how many credentials were refused that prove nothing.
func Headers(t *testing.T, d Target, v Victim) (sent int) {
	t.Run("the gateway's context, as nobody", func(t *testing.T) {
		for name, value := range contexts(v) {
			if status, body := send(t, d, "GET", "/v1/auth/me", nil, name, value); status != http.StatusUnauthorized || body["code"] != "authentication_required" {
				t.Errorf("%s: %d %v", name, status, body)
			}
		}
	})
	t.Run("the gateway's context, as a standard user", func(t *testing.T) {
		for name, value := range contexts(v) {
			status, body := send(t, d, "GET", "/v1/auth/me", []string{"Bearer " + v.User}, name, value)
			if status != http.StatusOK || body["role"] != "standard_user" || body["client_id"] != v.ID || body["user_id"] == v.claims["sub"] {
				t.Errorf("%s: %d %v", name, status, body)
			}
			if status, body := send(t, d, "GET", "/v1/users", []string{"Bearer " + v.User}, name, value); status != http.StatusForbidden || body["code"] != "forbidden" {
				t.Errorf("%s: %d %v", name, status, body)
			}
		}
	})
	t.Run("two credentials", func(t *testing.T) {
		good, user := "Bearer "+v.Token, "Bearer "+v.User
		for _, two := range [][]string{{good, user}, {user, good}, {good, good}, {good, "Bearer nonsense"}, {"Bearer nonsense", good}, {"Basic eA==", good}} {
			sent++
			if status, body := send(t, d, "GET", "/v1/auth/me", two); status != http.StatusUnauthorized {
				t.Errorf("%.20q: %d %v", two, status, body)
			}
		}
	})
	t.Run("schemes", func(t *testing.T) {
		for _, scheme := range []string{"Bearer ", "bearer ", "BEARER ", "bEaReR "} {
			admitted(t, d, v.claims["sub"], scheme+v.Token)
		}
		for _, value := range []string{v.Token, "Basic " + v.Token, "Token " + v.Token, "Bearer", "Bearer:" + v.Token, "Bearer\t" + v.Token,
			"BearerX " + v.Token, "DPoP " + v.Token, "Bearer Bearer " + v.Token, "Bearer  " + v.Token, `Bearer "` + v.Token + `"`} {
			sent++
			if status, body := send(t, d, "GET", "/v1/auth/me", []string{value}); status != http.StatusUnauthorized {
				t.Errorf("%.20q: %d %v", value, status, body)
			}
		}
	})
	return sent
}

// contexts are headers that say who the caller is, in every way that something between could be made to believe.
func contexts(v Victim) map[string]string {
	known := object{"client_id": v.ID, "user_id": v.claims["sub"], "role": "client_admin", "session_id": v.claims["sid"], "principalId": v.claims["sub"]}
	all := map[string]string{
		"X-GoLambdaProxy-ApiGw-Context":      text(object{"authorizer": known}),
		"X-Golambdaproxy-Apigw-Context":      text(object{"authorizer": known}),
		"X-GoLambdaProxy-ApiGw-StageVars":    text(known),
		"X-GoLambdaProxy-Lambda-Context":     text(known),
		"X-Amzn-Request-Context":             text(object{"authorizer": known}),
		"X-Amzn-Lambda-Authorizer":           text(known),
		"X-Amzn-Tenant-Id":                   v.ID,
		"X-Amz-Tenant-Id":                    v.ID,
		"X-Amzn-Remapped-Authorization":      "Bearer " + v.Token,
		"X-Amz-Security-Token":               v.Token,
		"X-Apigateway-Context":               text(object{"requestContext": object{"authorizer": known}}),
		"X-Apigateway-Event":                 text(object{"requestContext": object{"authorizer": known}}),
		"X-Original-Authorization":           "Bearer " + v.Token,
		"X-Forwarded-Authorization":          "Bearer " + v.Token,
		"Proxy-Authorization":                "Bearer " + v.Token,
		"X-Http-Method-Override":             "POST",
		"Cookie":                             "access_token=" + v.Token,
		"X-Access-Token":                     v.Token,
		"X-Api-Key":                          v.Token,
		"Forwarded":                          "for=127.0.0.1;by=authorizer",
		"X-Forwarded-For":                    "127.0.0.1",
		"X-Amzn-Oidc-Data":                   v.Token,
		"X-Amzn-Apigateway-Authorizer-Token": v.Token,
	}
	for name, value := range known {
		for _, spelling := range []string{name, strings.ReplaceAll(name, "_", "-"), "X-" + strings.ReplaceAll(name, "_", "-")} {
			all[spelling] = fmt.Sprint(value)
		}
	}
	return all
}
