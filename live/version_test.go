package live

import (
	"slices"
	"sync"
	"testing"
	"time"
)

func TestAnotherFormIsMadeOnceForAll(t *testing.T) {
	v := newVersion(nil, &Result{Body: []byte("body")}, time.Time{})
	var all sync.WaitGroup
	forms := make([][]byte, 10)
	made := 0
	for i := range forms {
		all.Go(func() {
			forms[i] = v.Form(func(body []byte) []byte {
				made++
				return append(slices.Clip(body), "..."...)
			})
		})
	}
	all.Wait()
	for _, form := range forms {
		if string(form) != "body..." || &form[0] != &forms[0][0] {
			t.Errorf("%s", form)
		}
	}
	if made != 1 || string(v.Body()) != "body" {
		t.Errorf("made %d times of %s", made, v.Body())
	}
}

func TestAVersionCopiesNothing(t *testing.T) {
	body := []byte(`{"data":[1]}`)
	v := newVersion(nil, &Result{Body: body, Data: body[8:11], Print: body[8:11]}, time.Time{})
	if &v.Body()[0] != &body[0] || &v.Data()[0] != &body[8] || &v.print[0] != &body[8] {
		t.Error("it does")
	}
}
