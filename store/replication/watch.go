package replication

import (
	"context"
	"sync"
	"time"
)

// whileWatched runs something and looks at the slot now and then meanwhile.
func (r *Reader) whileWatched(ctx context.Context, run func(context.Context) error) error {
	watched, stop := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { r.watch(watched) })
	defer watching.Wait()
	defer stop()
	return run(ctx)
}

func (r *Reader) watch(ctx context.Context) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
		if _, err := r.look(ctx); err != nil && ctx.Err() == nil {
			r.trouble.Warn(r.log, "how far the changes of the database are behind is not known", "slot", r.name, "error", err)
		}
	}
}
