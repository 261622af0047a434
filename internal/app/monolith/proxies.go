package monolith

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// proxies are the networks whose word on where a request comes from is taken.
type proxies []netip.Prefix

// parseProxies reads networks (RFC 4632 §3.1, RFC 4291 §2.3) or single addresses, separated by commas.
func parseProxies(s string) (proxies, error) {
	var all proxies
	for text := range strings.SplitSeq(s, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, err := netip.ParseAddr(text)
			if err != nil {
				return nil, fmt.Errorf("NOWGO_PROXIES: %q is neither a network nor an address", text)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

func (all proxies) has(a netip.Addr) bool {
	for _, p := range all {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// behind returns a handler that sees the address of the caller where a request comes through the proxies: the last one in
// X-Forwarded-For that is not a proxy's. What stands before it anybody can have written. Where that is no address, the proxy is the caller.
//
// The trail names these addresses, and failures to sign in are counted for them: without knowing its proxy, the platform would take all
// the world for one caller.
func (all proxies) behind(h http.Handler) http.Handler {
	if len(all) == 0 {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if caller, ok := all.caller(r); ok {
			r = r.WithContext(r.Context()) // a copy
			r.RemoteAddr = net.JoinHostPort(caller.String(), "0")
		}
		h.ServeHTTP(w, r)
	})
}

func (all proxies) caller(r *http.Request) (netip.Addr, bool) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !all.has(from.Addr().Unmap()) {
		return netip.Addr{}, false
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		a, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return netip.Addr{}, false
		}
		if a = a.Unmap().WithZone(""); !all.has(a) {
			return a, true
		}
	}
	return netip.Addr{}, false
}
