package httpapi

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"strings"
)

// The documentation page is one file that reaches for nothing but the document beside it.
var (
	//go:embed docs/page.html
	docsMarkup string
	//go:embed docs/page.css
	docsStyle string
	//go:embed docs/page.js
	docsScript string

	docsPage   = []byte(strings.NewReplacer("/*style*/", docsStyle, "/*script*/", docsScript).Replace(docsMarkup))
	docsPolicy = "default-src 'none'; connect-src 'self'; script-src " + hashed(docsScript) + "; style-src " + hashed(docsStyle) +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

// hashed is the source expression that lets an inline text run (CSP Level 3 §2.3.1).
func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
