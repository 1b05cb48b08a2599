package model

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/sluice-gateway/sluice/store"
)

// MarshalDecimal writes an amount as a JSON string.
func MarshalDecimal(d store.Decimal) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, `"`+d.String()+`"`)
	})
}

// UnmarshalDecimal reads an amount from a variable or a literal: a string or a number.
func UnmarshalDecimal(v any) (store.Decimal, error) {
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case json.Number:
		text = v.String()
	case int64:
		text = strconv.FormatInt(v, 10)
	case float64:
		// The parser has made a float of the literal 12.34 already. Its shortest decimal is the
		// literal again, for up to 15 digits, which is all that ParseDecimal takes.
		text = strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return 0, fmt.Errorf("%T is not a Decimal: write a string such as \"12.50\"", v)
	}
	d, err := store.ParseDecimal(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a Decimal: %w", text, err)
	}
	return d, nil
}

// MarshalTime writes an instant as RFC 3339 in UTC.
func MarshalTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, t.UTC().Format(`"`+time.RFC3339Nano+`"`))
	})
}

// UnmarshalTime reads an instant from an RFC 3339 string with any offset.
func UnmarshalTime(v any) (time.Time, error) {
	text, ok := v.(string)
	if !ok {
		return time.Time{}, fmt.Errorf("%T is not a Time: write a string such as \"2026-11-21T10:48:00Z\"", v)
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a Time: %w", text, err)
	}
	return t.UTC(), nil
}

// MarshalDuration writes a span of time as in "1h0m0s".
func MarshalDuration(d time.Duration) graphql.Marshaler {
	return graphql.MarshalString(d.String())
}

// UnmarshalDuration reads a span of time such as "90s" or "1h".
func UnmarshalDuration(v any) (time.Duration, error) {
	text, ok := v.(string)
	if !ok {
		return 0, fmt.Errorf("%T is not a Duration: write a string such as \"1h\"", v)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a Duration: write a number and a unit, such as \"1h\"", text)
	}
	return d, nil
}
