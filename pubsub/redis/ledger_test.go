package redis

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// A fakeRedis executes commands in order and answers when it is asked to.
type fakeRedis struct {
	subscribed map[string]bool
	replies    [][2]string // kind and topic, oldest first
}

func (f *fakeRedis) execute(commands []command) {
	for _, c := range commands {
		for _, topic := range c.topics {
			f.subscribed[topic] = c.kind == subscribe || c.kind == psubscribe || c.kind == ssubscribe
			f.replies = append(f.replies, [2]string{c.kind, topic})
		}
	}
}

// However wishes, commands and replies cross, Redis ends with what is wanted, and a waiter is never
// told that a topic is subscribed when it is not.
func TestTheLedgerEndsWithWhatIsWanted(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0))
		wanted := make(map[string]int)
		redis := &fakeRedis{subscribed: make(map[string]bool)}
		l := newLedger(func(topic string) bool { return wanted[topic] > 0 }, seed%2 == 0)
		waiters := make(map[string][]waiter)

		send := func() { redis.execute(l.next()) }
		answer := func() {
			if len(redis.replies) == 0 {
				return
			}
			reply := redis.replies[0]
			redis.replies = redis.replies[1:]
			if _, ok := l.confirm(reply[0], reply[1]); !ok {
				t.Fatalf("seed %d: the reply %v was not expected", seed, reply)
			}
			for topic, list := range waiters {
				waiters[topic] = slices.DeleteFunc(list, func(w waiter) bool {
					select {
					case err := <-w:
						if err != nil || !redis.subscribed[topic] && wanted[topic] > 0 {
							t.Fatalf("seed %d: %s is confirmed with %v, and Redis has %v", seed, topic, err, redis.subscribed[topic])
						}
						return true
					default:
						return false
					}
				})
			}
		}
		for range 400 {
			topic := fmt.Sprintf("t.%d", random.IntN(3))
			switch random.IntN(4) {
			case 0:
				wanted[topic]++
				if w := l.await(topic); w != nil {
					waiters[topic] = append(waiters[topic], w)
				}
			case 1:
				if wanted[topic] > 0 {
					wanted[topic]--
					for _, w := range waiters[topic] { // who leaves does not listen any more
						l.giveUp(topic, w)
					}
					waiters[topic] = nil
					l.review(topic)
				}
			case 2:
				send()
			case 3:
				answer()
			}
		}
		for range 50 {
			send()
			answer()
		}
		for len(redis.replies) > 0 {
			answer()
		}
		for i := range 3 {
			topic := fmt.Sprintf("t.%d", i)
			if redis.subscribed[topic] != (wanted[topic] > 0) {
				t.Errorf("seed %d: %s is wanted by %d and subscribed %v", seed, topic, wanted[topic], redis.subscribed[topic])
			}
			if wanted[topic] == 0 && l.topics[topic] != nil {
				t.Errorf("seed %d: %s is remembered for nobody", seed, topic)
			}
		}
	}
}

func TestManyTopicsShareACommandExceptInACluster(t *testing.T) {
	all := func(string) bool { return true }
	single, sharded := newLedger(all, false), newLedger(all, true)
	for i := range 100 {
		single.await(fmt.Sprintf("t.%d", i))
		sharded.await(fmt.Sprintf("t.%d", i))
	}
	if got := len(single.next()); got != 1 {
		t.Errorf("%d commands, want 1", got)
	}
	if got := len(sharded.next()); got != 100 {
		t.Errorf("%d sharded commands, want 100: slots must not share one", got)
	}
}

func TestAMovedTopicIsStrayWithItsWaiters(t *testing.T) {
	l := newLedger(func(string) bool { return true }, true)
	w := l.await("t.1")
	l.next()
	strays, err := l.refuse(errors.New("MOVED 42 127.0.0.1:7001"))
	if err != nil || len(strays) != 1 || strays[0].topic != "t.1" {
		t.Fatalf("strays = %v, %v", strays, err)
	}
	other := newLedger(func(string) bool { return true }, true)
	other.adopt(strays[0])
	other.next()
	other.confirm(ssubscribe, "t.1")
	if err := <-w; err != nil {
		t.Error(err)
	}
	if dropped, ok := other.confirm(sunsubscribe, "t.1"); !ok || dropped == nil || dropped.topic != "t.1" {
		t.Errorf("the server dropped t.1 and the ledger says %v, %v", dropped, ok)
	}
}

func TestARefusalWhileTheNextOneAsksIsForBoth(t *testing.T) {
	l := newLedger(func(string) bool { return true }, false)
	first := l.await("secret.1")
	l.next()
	second := l.await("secret.1") // marks the topic again
	if strays, err := l.refuse(refusal("NOPERM no permissions")); strays != nil || err != nil {
		t.Fatalf("%v, %v", strays, err)
	}
	for _, w := range []waiter{first, second} {
		if err := <-w; err == nil {
			t.Error("a forbidden topic was confirmed")
		}
	}
	if commands := l.next(); commands != nil || len(l.topics) != 0 {
		t.Errorf("%v is asked for, %d topics are remembered", commands, len(l.topics))
	}
}

// A refusal is an error as go-redis reads it from the wire.
type refusal string

func (e refusal) Error() string { return string(e) }

// RedisError marks the error as go-redis does.
func (e refusal) RedisError() {}
