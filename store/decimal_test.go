package store

import (
	"encoding/json"
	"testing"
)

func TestParseDecimal(t *testing.T) {
	for _, c := range []struct {
		name, text, want string // no want: refused
	}{
		{"two digits after the point are kept", "12.50", "12.50"},
		{"one digit after the point means tens of hundredths", "12.5", "12.50"},
		{"a whole number needs no point", "12", "12.00"},
		{"nothing is an amount", "0", "0.00"},
		{"less than one is an amount", "0.07", "0.07"},
		{"less than nothing is an amount", "-3.20", "-3.20"},
		{"the smallest step below nothing keeps its sign", "-0.01", "-0.01"},
		{"the most digits fit", "9999999999999.99", "9999999999999.99"},
		{"one digit more does not", "10000000000000", ""},
		{"leading zeros do not smuggle in more digits", "00000000000001", ""},
		{"a third digit after the point would be lost", "1.005", ""},
		{"an exponent is no amount", "1e3", ""},
		{"a plus is no part of an amount", "+1", ""},
		{"a point needs digits before it", ".5", ""},
		{"a point needs digits after it", "5.", ""},
		{"two points make no amount", "1.2.3", ""},
		{"a comma is no point", "1,50", ""},
		{"spaces are no part of an amount", " 1", ""},
		{"digits of other scripts are not read", "١", ""},
		{"a sign alone is no amount", "-", ""},
		{"two signs make no amount", "--1", ""},
		{"nothing at all is no amount", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := ParseDecimal(c.text)
			if c.want == "" {
				if err == nil {
					t.Fatalf("%q was read as %s", c.text, d)
				}
				return
			}
			if err != nil || d.String() != c.want {
				t.Fatalf("%q was read as %s (%v), want %s", c.text, d, err, c.want)
			}
		})
	}
}

func TestDecimalInJSON(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a string is read", `"12.50"`, `"12.50"`},
		{"a number is read by its digits", `0.29`, `"0.29"`}, // as a float, 0.29 * 100 is 28.999…
		{"a whole number is read", `7`, `"7.00"`},
		{"null leaves the amount alone", `null`, `"0.00"`},
		{"a string with an escape is read", `"\u0031"`, `"1.00"`},
		{"a word is refused", `"cheap"`, ``},
		{"true is refused", `true`, ``},
		{"a list is refused", `[1]`, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d Decimal
			err := json.Unmarshal([]byte(c.text), &d)
			if c.want == "" {
				if err == nil {
					t.Fatalf("%s was read as %s", c.text, d)
				}
				return
			}
			if got, _ := json.Marshal(d); err != nil || string(got) != c.want {
				t.Fatalf("%s was written as %s (%v), want %s", c.text, got, err, c.want)
			}
		})
	}
}

// Whatever is accepted is bounded, and is written as a text that means the same.
func FuzzParseDecimal(f *testing.F) {
	for _, text := range []string{"0", "-0", "12.50", "-0.01", "9999999999999.99", "1e9", "1.005", ".", "--1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDecimal(text)
		if err != nil {
			return
		}
		if d > maxDecimal || d < -maxDecimal {
			t.Fatalf("%q was read as %s, beyond %d digits", text, d, MaxDigits)
		}
		again, err := ParseDecimal(d.String())
		if err != nil || again != d {
			t.Fatalf("%q was read as %s and that as %s (%v)", text, d, again, err)
		}
	})
}
