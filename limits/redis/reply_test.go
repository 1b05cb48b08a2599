package redis

import "testing"

func TestAReplyIsReadOrRefused(t *testing.T) {
	for name, test := range map[string]struct {
		answer any
		bad    bool
	}{
		"a text and a number":             {[]any{"ok", int64(5)}, false},
		"the other way round":             {[]any{int64(5), "ok"}, true},
		"too short":                       {[]any{"ok"}, true},
		"too long":                        {[]any{"ok", int64(5), int64(6)}, true},
		"empty":                           {[]any{}, true},
		"no list":                         {"ok", true},
		"nothing":                         {nil, true},
		"nothing in it":                   {[]any{nil, nil}, true},
		"a number that is written as one": {[]any{"ok", "5"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReply(test.answer)
			text, number := r.text(), r.number()
			if bad := r.err() != nil; bad != test.bad || !bad && (text != "ok" || number != 5) {
				t.Errorf("%q, %d, %v", text, number, r.err())
			}
		})
	}
}
