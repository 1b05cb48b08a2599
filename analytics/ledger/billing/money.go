// Package billing makes invoices of the ledger's hours: what a consumer owes for a month by the prices of
// its plans, to the last digit the same however often it is made.
//
// Money is a whole number of millionths of a currency's unit, and no float anywhere. Each line of an invoice
// is rounded once, half away from zero, to a millionth; a total is the exact sum of its lines. Months are
// those of UTC. An invoice is an estimate of what the ledger knows: taxes, discounts, minimum fees and
// consumers without usage are the billing system's. Everything here is safe for concurrent use.
package billing

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Money is an amount in millionths of a currency's unit: 1250000 is "1.250000".
type Money int64

const (
	million        = 1_000_000
	fractionDigits = 6
	wholeDigits    = 12
)

var errNotMoney = errors.New("not an amount such as 12.50, with at most 12 digits before the point and 6 after it")

// ParseMoney reads an amount: an optional minus, at most 12 digits, and at most 6 after a point. It takes
// no exponent, no plus, no spaces and no separators.
func ParseMoney(text string) (Money, error) {
	digits, negative := strings.CutPrefix(text, "-")
	whole, fraction, hasPoint := strings.Cut(digits, ".")
	if whole == "" || hasPoint && fraction == "" || len(whole) > wholeDigits || len(fraction) > fractionDigits {
		return 0, errNotMoney
	}
	var m Money
	for _, c := range whole + (fraction + "000000")[:fractionDigits] {
		if c < '0' || c > '9' {
			return 0, errNotMoney
		}
		m = 10*m + Money(c-'0')
	}
	if negative {
		m = -m
	}
	return m, nil
}

// String writes the amount with all six fraction digits; ParseMoney reads it back if it is not too large.
func (m Money) String() string {
	sign := ""
	rest := uint64(m)
	if m < 0 {
		sign, rest = "-", -rest
	}
	fraction := strconv.FormatUint(million+rest%million, 10)[1:]
	return sign + strconv.FormatUint(rest/million, 10) + "." + fraction
}

// MarshalText writes the amount as String does, so that in JSON it is a string.
func (m Money) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what ParseMoney reads.
func (m *Money) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMoney(string(text))
	return err
}

// ErrTooMuch reports an amount beyond 9 million million units.
var ErrTooMuch = errors.New("billing: an amount is too large")

// times is quantity × price / per, rounded half away from zero.
func (m Money) times(quantity, per int64) (Money, error) {
	product := new(big.Int).Mul(big.NewInt(int64(m)), big.NewInt(quantity))
	divisor := big.NewInt(per)
	half := new(big.Int).Mul(big.NewInt(int64(product.Sign())), divisor)
	product.Add(product.Lsh(product, 1), half) // (2ab ± c) / 2c, which Quo takes toward zero
	product.Quo(product, divisor.Lsh(divisor, 1))
	if !product.IsInt64() {
		return 0, fmt.Errorf("%w: %d × %s / %d", ErrTooMuch, quantity, m, per)
	}
	return Money(product.Int64()), nil
}

// plus adds two amounts.
func (m Money) plus(other Money) (Money, error) {
	sum := m + other
	if (sum > m) != (other > 0) {
		return 0, ErrTooMuch
	}
	return sum, nil
}
