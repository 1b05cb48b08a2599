package faults

import (
	"bufio"
	"reflect"
	"strings"
	"testing"
)

func TestAnswers(t *testing.T) {
	for text, want := range map[string]answer{
		"+OK\r\n":                          {text: "OK"},
		":42\r\n":                          {text: "42"},
		"$5\r\nhello\r\n":                  {text: "hello"},
		"$-1\r\n":                          {},
		"*2\r\n$1\r\na\r\n*1\r\n:7\r\n":    {list: []answer{{text: "a"}, {list: []answer{{text: "7"}}}}},
		"*0\r\n":                           {list: []answer{}},
		"$10\r\nwith\r\nline\r\n":          {text: "with\r\nline"},
		"*-1\r\n":                          {},
		"$0\r\n\r\n":                       {},
		"*1\r\n$-1\r\n":                    {list: []answer{{}}},
		"+a status with words and +-:\r\n": {text: "a status with words and +-:"},
	} {
		got, err := readAnswer(bufio.NewReader(strings.NewReader(text)))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "\r\n", "-ERR no\r\n", "$5\r\nhel", "$x\r\n", "*2\r\n:1\r\n"} {
		if got, err := readAnswer(bufio.NewReader(strings.NewReader(bad))); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
}
