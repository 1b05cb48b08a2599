package redis

import "errors"

var errReply = errors.New("redis: the reply is none of our scripts'")

// A reply is the list that a script has returned, read from the front.
type reply struct {
	rest []any
	odd  bool // something was not as expected
}

func newReply(answer any) reply {
	list, ok := answer.([]any)
	return reply{rest: list, odd: !ok}
}

func (r *reply) next() any {
	if len(r.rest) == 0 {
		r.odd = true
		return nil
	}
	first := r.rest[0]
	r.rest = r.rest[1:]
	return first
}

func (r *reply) text() string {
	s, ok := r.next().(string)
	r.odd = r.odd || !ok
	return s
}

func (r *reply) number() int64 {
	n, ok := r.next().(int64)
	r.odd = r.odd || !ok
	return n
}

// err is nil when the reply was what a script returns.
func (r *reply) err() error {
	if r.odd || len(r.rest) > 0 {
		return errReply
	}
	return nil
}
