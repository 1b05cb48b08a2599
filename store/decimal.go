package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A Decimal is an exact amount in hundredths: 1250 is "12.50". It has two fraction digits and
// MaxDigits digits in all, and is no float anywhere, neither in JSON nor in the database.
type Decimal int64

// MaxDigits is how many digits an amount may have, both sides of the point together.
const MaxDigits = 15

const (
	fractionDigits = 2
	maxDecimal     = Decimal(999_999_999_999_999)
)

var errNotDecimal = errors.New("not an amount such as 12.50")

// ParseDecimal reads an amount: an optional minus, digits, and at most two digits after a point.
// It takes no exponent, no plus, no spaces and no separators.
func ParseDecimal(text string) (Decimal, error) {
	digits, negative := strings.CutPrefix(text, "-")
	whole, fraction, hasPoint := strings.Cut(digits, ".")
	if whole == "" || (hasPoint && fraction == "") {
		return 0, errNotDecimal
	}
	if len(fraction) > fractionDigits {
		return 0, fmt.Errorf("more than %d digits after the point", fractionDigits)
	}
	// Leading zeros are counted as digits: a bound on the text is what keeps the sum from overflowing.
	if len(whole) > MaxDigits-fractionDigits {
		return 0, fmt.Errorf("more than %d digits before the point", MaxDigits-fractionDigits)
	}
	var d Decimal
	for _, c := range whole + (fraction + "00")[:fractionDigits] {
		if c < '0' || c > '9' {
			return 0, errNotDecimal
		}
		d = d*10 + Decimal(c-'0')
	}
	if negative {
		d = -d
	}
	return d, nil
}

// String writes the amount with both fraction digits; ParseDecimal reads it back.
func (d Decimal) String() string {
	return string(d.append(make([]byte, 0, 16)))
}

// append writes the amount behind b. Events carry amounts, so it is done by hand.
func (d Decimal) append(b []byte) []byte {
	if d < 0 {
		b, d = append(b, '-'), -d
	}
	b = strconv.AppendInt(b, int64(d/100), 10)
	return append(b, '.', byte('0'+d%100/10), byte('0'+d%10))
}

// MarshalText writes the amount as String does, so that in JSON it is a string.
func (d Decimal) MarshalText() ([]byte, error) { return d.append(nil), nil }

// UnmarshalJSON reads a string or a number. A number is read from its digits, never as a float.
func (d *Decimal) UnmarshalJSON(data []byte) error {
	text := string(data)
	if text == "null" {
		return nil // as encoding/json does for every type
	}
	switch {
	case data[0] == '"' && bytes.IndexByte(data, '\\') < 0: // events carry amounts: the short way
		text = text[1 : len(text)-1]
	case data[0] == '"':
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
	}
	parsed, err := ParseDecimal(text)
	if err != nil {
		return fmt.Errorf("%s: %w", data, err)
	}
	*d = parsed
	return nil
}
