package cursor

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestASecretIsReplacedWithoutAGap(t *testing.T) {
	const older, newer = "the secret until today", "the secret from today on"
	topics, at := some(1)
	before, behind, inFront, after := keysOf(t, older), keysOf(t, older, newer), keysOf(t, newer, older), keysOf(t, newer)
	for _, tt := range []struct {
		name          string
		writes, reads *Keys
		want          error
	}{
		{"by a node that has not heard of it, of one that signs with the old", behind, before, nil},
		{"by a node that signs with the old, of one that signs with the new", inFront, behind, nil},
		{"by a node that signs with the new, of one that signs with the old", behind, inFront, nil},
		{"by a node that has forgotten the old, of one that signs with the new", inFront, after, nil},
		{"by a node that has forgotten the old, of one that signs with that", behind, after, ErrKey},
	} {
		text := string(tt.writes.Append(nil, everybody, topics, at))
		if _, err := tt.reads.Read(text, everybody, topics); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestTwoKeysMayHaveTheSameID(t *testing.T) {
	byID := make(map[byte]string)
	for i := 0; ; i++ {
		secret := fmt.Sprint("secret number ", i, " of many")
		id := keysOf(t, secret).all[0].id
		same, ok := byID[id]
		if !ok {
			byID[id] = secret
			continue
		}
		topics, at := some(1)
		both := keysOf(t, same, secret)
		for _, writes := range []string{same, secret} {
			text := string(keysOf(t, writes).Append(nil, everybody, topics, at))
			if _, err := both.Read(text, everybody, topics); err != nil {
				t.Errorf("%v", err)
			}
		}
		return
	}
}

func TestASecretMustBeLongAndIsNeverTold(t *testing.T) {
	long, short := []byte("a secret that is long enough"), []byte("hunter2")
	for _, secrets := range [][][]byte{nil, {nil}, {[]byte("fifteen bytes..")}, {long, short}} {
		_, err := NewKeysOf(secrets...)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", secrets, err)
		}
	}
	if _, err := NewKeysOf([]byte("sixteen bytes...")); err != nil {
		t.Error(err)
	}
}

func TestKeysServeManyAtOnce(t *testing.T) {
	keys := NewKeys()
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			topics, at := some(n + 1)
			for range 200 {
				text := string(keys.Append(nil, everybody, topics, at))
				if _, err := keys.Read(text, everybody, topics); err != nil {
					t.Errorf("%d topics: %v", len(topics), err)
				}
			}
		})
	}
	all.Wait()
}
