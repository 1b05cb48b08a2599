package gateway

import (
	"bufio"
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/transport"
)

const (
	// downloadPatience is how long one part may wait for a client that does not read.
	downloadPatience = 30 * time.Second
	// downloadPart is how many bytes of a file are gathered; what fails before is told by a status.
	downloadPart = 32 << 10

	// mostTurns is how many files are sent at a time on one listener, and mostTurnsEach to one consumer:
	// each reads the database again and again.
	mostTurns, mostTurnsEach = 8, 2
)

// A download is a file that is sent while it is made, in parts. It takes as long as the client reads.
type download struct {
	w           http.ResponseWriter
	control     *http.ResponseController
	multiplexed bool
	file        *usageFile
	begun       bool // the headers are sent
	broken      bool // the client is gone, or does not read
}

func newDownload(w http.ResponseWriter, r *http.Request, file *usageFile) *download {
	return &download{w: w, control: http.NewResponseController(w), multiplexed: r.ProtoMajor > 1, file: file}
}

// send makes the file and sends it. Its error may be the file's or the client's; then the file is not whole.
func (d *download) send(ctx context.Context) error {
	gathered := bufio.NewWriterSize(d, downloadPart)
	if err := d.file.write(ctx, gathered); err != nil {
		return err
	}
	if err := gathered.Flush(); err != nil {
		return err
	}
	return d.finish()
}

// Write sends one part, the first with the headers.
func (d *download) Write(part []byte) (int, error) {
	if !d.begun {
		d.begun = true
		d.header()
	}
	d.extend()
	n, err := d.w.Write(part)
	d.broken = err != nil
	if d.multiplexed { // HTTP/2 ends a stream at its deadline, be there something to write or not
		_ = d.control.SetWriteDeadline(time.Time{})
	}
	return n, err
}

func (d *download) header() {
	h := d.w.Header()
	kind := transport.JSON
	if d.file.format == "csv" {
		kind = "text/csv"
	}
	h.Set("Content-Type", kind+"; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+d.file.name+"."+d.file.format+`"`)
	h.Set("Cache-Control", "no-store")
	d.w.WriteHeader(http.StatusOK)
}

// extend gives what is written next its time. A writer that knows no deadlines goes without: that the client
// leaves is noticed all the same.
func (d *download) extend() { _ = d.control.SetWriteDeadline(time.Now().Add(downloadPatience)) }

// finish sends what the server has gathered. It ends the response when the handler returns, in the time
// that is given here.
func (d *download) finish() error {
	d.extend()
	err := d.control.Flush()
	d.broken = err != nil
	return err
}

// A turn is a consumer of an issuer whose file is being sent.
type turn struct{ issuer, consumer string }

// turns are the files that are being sent. The zero value is none.
type turns struct {
	mu    sync.Mutex // guards what follows
	total int
	each  map[turn]int
}

// take reports whether another file may be sent; who takes a turn gives it back.
func (t *turns) take(who turn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.total >= mostTurns || t.each[who] >= mostTurnsEach {
		return false
	}
	if t.each == nil {
		t.each = make(map[turn]int)
	}
	t.total++
	t.each[who]++
	return true
}

func (t *turns) give(who turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total--
	if t.each[who]--; t.each[who] == 0 {
		delete(t.each, who)
	}
}
