package httpapi

import "github.com/danielgtaylor/huma/v2"

// Huma passes over the case of field names when it validates, as Go does when it decodes, but each may take another one where a body has
// several: `{"role":"standard_user","Role":"…"}` would be validated by the first and decoded by the second. So a field has one spelling.
// The setting is Huma's own global one, hence init.
func init() { huma.ValidateStrictCasing = true }
