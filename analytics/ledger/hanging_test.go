package ledger

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// A mute store is a database that takes connections and does not answer.
type mute struct{ Store }

func (mute) Import(context.Context, *Batch) (bool, error) {
	time.Sleep(5 * time.Second)
	return false, errors.New("the database does not answer")
}

// What a killed process loses is what was added since the latest batch: 10 s, also while the database hangs.
func TestBatchesReachTheDiskOnTimeWhileTheStoreHangs(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l, err := Open(mute{}, folder, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close(t.Context()) }()
		size, since := int64(0), time.Now()
		for range 60 {
			l.Add(Key{Consumer: "a"}, Usage{Events: 1})
			time.Sleep(time.Second)
			synctest.Wait()
			files, _ := filepath.Glob(filepath.Join(folder, "*"))
			info, err := os.Stat(files[0])
			if err != nil {
				t.Fatal(err)
			}
			if info.Size() > size {
				if gap := time.Since(since); gap > 11*time.Second {
					t.Errorf("nothing reached the disk for %v", gap)
				}
				size, since = info.Size(), time.Now()
			}
		}
	})
}
