package redis

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestAPauseLastsAsLongAsItSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pause
		if p.on() {
			t.Error("it is on before it begins")
		}
		p.begin(time.Second)
		time.Sleep(time.Second - time.Nanosecond)
		if !p.on() {
			t.Error("it is over too early")
		}
		p.begin(time.Second)
		time.Sleep(time.Second - time.Nanosecond)
		if !p.on() {
			t.Error("it is not as long as when it began again")
		}
		time.Sleep(time.Nanosecond)
		if p.on() {
			t.Error("it is not over")
		}
	})
}
