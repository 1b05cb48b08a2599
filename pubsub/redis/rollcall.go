package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

const (
	// rollKey is a hash: for each node, which run of the server it has compared its logs with, and a number
	// that changes as long as it lives.
	rollKey = "sluice:log:nodes"
	// beatInterval is how often a node says that it lives.
	beatInterval = 2 * time.Second
	// missing is after how many beats without a sign a node is not waited for, and gone after how many it is
	// forgotten.
	missing, gone = 3, 30
	// rollExpiry is how long the hash stays when all nodes have gone.
	rollExpiry = time.Hour
	// rollInterval is about how often a node that waits looks whether the others have come.
	rollInterval = 25 * time.Millisecond
)

// A rollCall has the nodes of one Redis wait for each other when it has come back. One of them may know of an
// event that is not there any more while the others, who do not, would go on as if nothing had gone.
//
// Two runs of a server differ by its process, or by whose place it has taken: a process may be a master, a
// replica, and a master again, with what another one has written. It is used by one goroutine at a time.
type rollCall struct {
	client   *goredis.Client
	node     string
	patience time.Duration
	log      *slog.Logger

	run    string // whose logs this node has compared; empty: of none that could be told from others
	number uint64
	others map[string]*other
	warned bool
}

// An other is a node as this one sees it.
type other struct {
	said   string
	silent int           // for how many beats it has said nothing new
	missed time.Duration // for how long others have waited for it since
}

func newRollCall(client *goredis.Client, o Options) *rollCall {
	return &rollCall{client: client, node: o.Node, patience: o.CompareTimeout, log: o.Logger, others: make(map[string]*other)}
}

// hold calls compare if the server runs anew, and returns when all other nodes have done the same, or have had
// time enough.
func (r *rollCall) hold(ctx context.Context, compare func(context.Context) error) error {
	run, err := r.identify(ctx)
	switch {
	case refused(err):
		r.warn(err)
	case err != nil:
		return err
	case run == r.run:
		return nil
	}
	if err := compare(ctx); err != nil {
		return err
	}
	if r.run = run; run == "" {
		return nil
	}
	if err := r.await(ctx); refused(err) {
		r.warn(err)
	} else if err != nil {
		r.run = ""
		return err
	}
	return nil
}

// identify returns the name of the server's run.
func (r *rollCall) identify(ctx context.Context) (string, error) {
	answers, err := r.client.Pipelined(ctx, func(p goredis.Pipeliner) error {
		p.Info(ctx, "server")
		p.Info(ctx, "replication")
		return nil
	})
	if err != nil {
		return "", err
	}
	process := field(answers[0].(*goredis.StringCmd).Val(), "run_id:")
	predecessor := field(answers[1].(*goredis.StringCmd).Val(), "master_replid2:")
	if process == "" {
		return "", nil
	}
	return process + "." + predecessor, nil
}

// field returns what stands behind a name in an INFO.
func field(info, name string) string {
	for line := range strings.Lines(info) {
		if value, found := strings.CutPrefix(line, name); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// await says that this node has compared, and waits for the others.
func (r *rollCall) await(ctx context.Context) error {
	for {
		if err := r.say(ctx); err != nil {
			return err
		}
		late := r.late()
		if len(late) == 0 {
			return nil
		}
		begun := time.Now()
		if !pause(ctx, rollInterval+rand.N(rollInterval)) {
			return ctx.Err()
		}
		r.miss(late, time.Since(begun))
	}
}

// late are the nodes that live, as far as is known, and have not compared yet.
func (r *rollCall) late() (nodes []string) {
	for node, o := range r.others {
		if run, _, _ := strings.Cut(o.said, " "); run != r.run && o.silent < missing && o.missed < r.patience {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

// miss notes for how long nodes were waited for. Who has died is waited for once, however often Redis goes.
func (r *rollCall) miss(nodes []string, d time.Duration) {
	for _, node := range nodes {
		o := r.others[node]
		if o.missed += d; o.missed >= r.patience {
			r.log.Warn("redis has come back, and a node has not compared its logs in time: the others go on", "missing", node)
		}
	}
}

// beat says that this node lives, and notes who else does.
func (r *rollCall) beat(ctx context.Context) {
	if r.run == "" {
		return
	}
	for _, o := range r.others {
		o.silent++
	}
	r.number++
	if run, err := r.identify(ctx); err == nil && sameProcess(run, r.run) {
		r.run = run // it forgets its predecessor, after an hour without a replica
	}
	if err := r.say(ctx); err != nil {
		return // the links notice what is wrong
	}
	for node, o := range r.others {
		if o.silent >= gone {
			delete(r.others, node)
			r.client.HDel(ctx, rollKey, node)
		}
	}
}

// say writes this node's line, and reads those of the others.
func (r *rollCall) say(ctx context.Context) error {
	var all *goredis.MapStringStringCmd
	_, err := r.client.Pipelined(ctx, func(p goredis.Pipeliner) error {
		p.HSet(ctx, rollKey, r.node, fmt.Sprint(r.run, " ", r.number))
		p.PExpire(ctx, rollKey, rollExpiry)
		all = p.HGetAll(ctx, rollKey)
		return nil
	})
	if err != nil {
		return err
	}
	for node, said := range all.Val() {
		if node == r.node {
			continue
		}
		o := r.others[node]
		if o == nil {
			o = new(other)
			r.others[node] = o
		}
		if o.said != said {
			*o = other{said: said}
		}
	}
	return nil
}

// warn tells once that the nodes do not wait for each other.
func (r *rollCall) warn(err error) {
	if !r.warned {
		r.warned = true
		r.log.Warn("redis does not let nodes wait for each other after a failover: grant info, hset, hgetall and hdel", "error", err)
	}
}

func sameProcess(run, other string) bool {
	process, _, _ := strings.Cut(run, ".")
	return strings.HasPrefix(other, process+".")
}

// refused reports whether Redis has answered that it will not, and not for the moment only.
func refused(err error) bool {
	var refusal goredis.Error
	switch {
	case goredis.IsLoadingError(err), goredis.IsReadOnlyError(err), goredis.IsMasterDownError(err), goredis.IsMaxClientsError(err):
		return false
	}
	return errors.As(err, &refusal)
}
