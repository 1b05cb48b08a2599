package jwt

import (
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sluice-gateway/sluice/auth"
)

const (
	maxText = 256 // bytes of a name: a subject, a consumer, a scope
	maxList = 100 // scopes, or topics

	maxSeconds = 253402128000 // since 1970: the last times that can be written have years of four digits
)

// claims are what a token says.
type claims map[string]any

// viewer answers whether the claims of a token that the issuer has signed are good now and meant
// for us, and whom they describe.
func (i *issuer) viewer(c claims, now time.Time) (*auth.Viewer, error) {
	expires, err := i.checkTimes(c, now)
	if err != nil {
		return nil, err
	}
	if err := i.checkAudience(c); err != nil {
		return nil, err
	}
	v := &auth.Viewer{Issuer: i.Name, Claims: c, Expires: expires}
	if v.Consumer, err = i.consumer(c); err != nil {
		return nil, err
	}
	if v.Subject, err = c.text("sub"); err != nil {
		return nil, err
	}
	if v.Plan, err = c.text(i.PlanClaim); err != nil {
		return nil, err
	}
	if v.Publish, err = c.list(i.PublishClaim); err != nil {
		return nil, err
	}
	if v.Scopes, err = i.scopes(c); err != nil {
		return nil, err
	}
	return v, nil
}

// checkTimes returns when the token stops being good.
func (i *issuer) checkTimes(c claims, now time.Time) (time.Time, error) {
	exp, given, err := c.moment("exp")
	switch {
	case err != nil:
		return exp, err
	case !given:
		return exp, refuse("the token has no exp: it would be good for ever")
	}
	expires := exp.Add(i.Leeway)
	if !now.Before(expires) {
		return exp, refuse("the token has expired")
	}
	for _, name := range []string{"nbf", "iat"} {
		from, given, err := c.moment(name)
		switch {
		case err != nil:
			return exp, err
		case given && now.Before(from.Add(-i.Leeway)):
			return exp, refuse("the token's %s is in the future", name)
		}
	}
	return expires, nil
}

func (i *issuer) checkAudience(c claims) error {
	audiences, ok := c["aud"].([]any)
	if !ok {
		audiences = []any{c["aud"]}
	}
	ours := false
	for _, a := range audiences {
		name, ok := a.(string)
		if !ok {
			return refuse("the token's aud is neither a string nor an array of strings")
		}
		ours = ours || slices.Contains(i.Audiences, name)
	}
	if !ours {
		return refuse("the token's audience is not ours")
	}
	return nil
}

// consumer is never empty: the viewer would be anonymous.
func (i *issuer) consumer(c claims) (string, error) {
	names := []string{"client_id", "azp"}
	if i.ConsumerClaim != "" {
		names = []string{i.ConsumerClaim}
	}
	for _, name := range names {
		if _, given := c[name]; !given {
			continue
		}
		consumer, err := c.text(name)
		if err == nil && consumer == "" {
			return "", refuse("the token's %s is empty", name)
		}
		return consumer, err
	}
	if i.ConsumerClaim != "" {
		return "", refuse("the token has no %s", i.ConsumerClaim)
	}
	return i.Name, nil
}

func (i *issuer) scopes(c claims) ([]string, error) {
	if i.ScopesClaim != "" {
		return c.list(i.ScopesClaim)
	}
	scopes, err := c.list("scope")
	if err != nil {
		return nil, err
	}
	more, err := c.list("scp")
	if err != nil {
		return nil, err
	}
	for _, scope := range more {
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	if len(scopes) > maxList {
		return nil, refuse("the token's scope and scp have more than %d elements", maxList)
	}
	return scopes, nil
}

// text returns a claim that is a name; empty if the token does not have it.
func (c claims) text(name string) (string, error) {
	value, given := c[name]
	text, ok := value.(string)
	switch {
	case !given || ok && text == "":
		return "", nil
	case !ok || !isText(text):
		return "", refuse("the token's %s is not a string of at most %d bytes that can be printed", name, maxText)
	}
	return text, nil
}

// list returns a claim that lists names: an array of strings, or a string with spaces between them.
// It is nil if the token does not have it.
func (c claims) list(name string) ([]string, error) {
	var list []string
	switch value := c[name].(type) {
	case string:
		list = strings.FieldsFunc(value, func(r rune) bool { return r == ' ' })
	case []any:
		for _, element := range value {
			text, _ := element.(string)
			list = append(list, text)
		}
	default:
		if _, given := c[name]; given {
			return nil, refuse("the token's %s is neither a string nor an array of strings", name)
		}
	}
	if len(list) > maxList {
		return nil, refuse("the token's %s has more than %d elements", name, maxList)
	}
	for _, text := range list {
		if !isText(text) || strings.Contains(text, " ") {
			return nil, refuse("the token's %s has an element that is not a string of 1 to %d bytes without spaces", name, maxText)
		}
	}
	return list, nil
}

// moment returns a claim that is a time, and whether the token has it.
func (c claims) moment(name string) (time.Time, bool, error) {
	value, given := c[name]
	if !given {
		return time.Time{}, false, nil
	}
	seconds, ok := value.(float64)
	if n, whole := value.(int64); whole {
		seconds, ok = float64(n), true
	}
	if !ok || seconds < 0 || seconds > maxSeconds {
		return time.Time{}, true, refuse("the token's %s is not a number of seconds since 1970", name)
	}
	whole, fraction := math.Modf(seconds) // RFC 7519 allows fractions
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC(), true, nil
}

// isText reports whether a text can be a name: it is not empty, not long, and has only characters
// that can be printed. The character that stands for broken ones is none of them: it makes
// different names equal.
func isText(text string) bool {
	return text != "" && len(text) <= maxText && !strings.ContainsFunc(text, func(r rune) bool {
		return r == utf8.RuneError || !unicode.IsPrint(r)
	})
}
