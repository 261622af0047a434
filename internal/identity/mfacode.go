package identity

import (
	"bytes"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/system"
)

// The parameters of codes: those that every authenticator app knows (RFC 6238 §5.2, RFC 4226 §4 for the length of the secret).
const (
	totpIssuer = "NowGo Agents"
	totpSecret = 20 // bytes
	totpPeriod = 30 // seconds of a step
	totpWindow = 1  // steps before and after the present one whose codes are taken, for slow typing and clocks that differ
	totpDigits = otp.DigitsSix

	recoveryCodes = 10
	recoveryBytes = 10 // 80 bits: nobody finds one by trying its hash

	qrModule = 5 // pixels
	qrMargin = 4 // modules (ISO/IEC 18004 §6.3.8)
)

// newTOTP returns a new shared secret as an authenticator app takes it.
func newTOTP(sys system.System, account string) (*otp.Key, error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: totpIssuer, AccountName: account, Period: totpPeriod, SecretSize: totpSecret,
		Digits: totpDigits, Algorithm: otp.AlgorithmSHA1, Rand: sys.Random})
	if err != nil {
		return nil, fmt.Errorf("identity: second factor: %w", err)
	}
	return key, nil
}

// qrPNG returns the text as a QR code in black on white.
func qrPNG(text string) ([]byte, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("identity: QR code: %w", err)
	}
	side := code.Bounds().Dx()
	pixels := (side + 2*qrMargin) * qrModule
	picture := image.NewPaletted(image.Rect(0, 0, pixels, pixels), color.Palette{color.White, color.Black})
	for y := range side * qrModule {
		for x := range side * qrModule {
			if r, _, _, _ := code.At(x/qrModule, y/qrModule).RGBA(); r == 0 {
				picture.SetColorIndex(x+qrMargin*qrModule, y+qrMargin*qrModule, 1)
			}
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		return nil, fmt.Errorf("identity: QR code: %w", err)
	}
	return out.Bytes(), nil
}

// matchTOTP returns the step whose code it is, among those of the window at the given time that are after the last one taken: no code
// works twice, and none that is older than one that worked (RFC 6238 §5.2).
func matchTOTP(secret, code string, now time.Time, last int64) (step int64, ok bool, err error) {
	present := now.Unix() / totpPeriod
	for s := present - totpWindow; s <= present+totpWindow; s++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(s), hotp.ValidateOpts{Digits: totpDigits, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, false, fmt.Errorf("identity: second factor: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && s > last {
			step, ok = s, true
		}
	}
	return step, ok, nil
}

// readable has 32 characters of which none looks like another (Crockford's base 32).
var readable = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// newRecoveryCodes returns codes in the form that people write down, such as 7k2m-0bqz-94xf-e1st, and what is kept of them.
func newRecoveryCodes(sys system.System) (shown, kept []string, err error) {
	for range recoveryCodes {
		raw := make([]byte, recoveryBytes)
		if _, err := io.ReadFull(sys.Random, raw); err != nil {
			return nil, nil, fmt.Errorf("identity: recovery code: %w", err)
		}
		code := readable.EncodeToString(raw)
		shown = append(shown, code[:4]+"-"+code[4:8]+"-"+code[8:12]+"-"+code[12:])
		kept = append(kept, hashSecret(code))
	}
	return shown, kept, nil
}

// readCode returns a code as it is compared, whatever way it was typed: six digits, or a recovery code. It is empty for what can be neither.
func readCode(typed string) (code string, recovery bool) {
	if len(typed) > 64 {
		return "", false
	}
	typed = strings.NewReplacer(" ", "", "-", "").Replace(strings.ToLower(typed))
	if len(typed) == int(totpDigits) && strings.Trim(typed, "0123456789") == "" {
		return typed, false
	}
	typed = strings.NewReplacer("o", "0", "i", "1", "l", "1").Replace(typed)
	if raw, err := readable.DecodeString(typed); err != nil || len(raw) != recoveryBytes {
		return "", false
	}
	return typed, true
}

// takeRecovery returns the person without the recovery code, or false where it is none of theirs.
func takeRecovery(p directory.Person, code string) (directory.Person, bool) {
	hash, found := hashSecret(code), -1
	for i, kept := range p.Recovery {
		if sameHash(kept, hash) {
			found = i
		}
	}
	if found < 0 {
		return p, false
	}
	left := make([]string, 0, len(p.Recovery)-1)
	p.Recovery = append(append(left, p.Recovery[:found]...), p.Recovery[found+1:]...)
	return p, true
}
