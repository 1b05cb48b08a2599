package gateway

import (
	"bufio"
	"context"
	"errors"
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

	// mostFiles is how many files are sent at a time on one listener, and mostFilesEach to one consumer.
	mostFiles, mostFilesEach = 64, 2
	// mostMade is how many of them are made at a time: each reads the database again and again. One that
	// waits for its client is none of them, so nobody is kept waiting by others' clients.
	mostMade = 8
	// turnPatience is how long a file waits to be begun, while as many are made as may be.
	turnPatience = 5 * time.Second
)

// errTurn says that too many files were being made for too long.
var errTurn = errors.New("gateway: no turn to make a file")

// A download is a file that is sent while it is made, in parts. It takes as long as the client reads.
type download struct {
	w           http.ResponseWriter
	control     *http.ResponseController
	multiplexed bool
	gone        <-chan struct{} // closed when the client is
	file        *usageFile
	turns       *turns
	making      bool // the download has a turn
	made        bool // and needs none any more
	begun       bool // the headers are sent
	broken      bool // the client is gone, or does not read
}

func newDownload(w http.ResponseWriter, r *http.Request, file *usageFile, t *turns) *download {
	return &download{
		w: w, control: http.NewResponseController(w), multiplexed: r.ProtoMajor > 1, gone: r.Context().Done(),
		file: file, turns: t,
	}
}

// send makes the file and sends it. Its error may be the file's or the client's, or errTurn; then the file is
// not whole.
func (d *download) send(ctx context.Context) error {
	late := time.NewTimer(turnPatience)
	defer late.Stop()
	if err := d.begin(late.C); err != nil {
		return err
	}
	defer d.rest()
	gathered := bufio.NewWriterSize(d, downloadPart)
	if err := d.file.write(ctx, gathered); err != nil {
		return err
	}
	d.made = true
	if err := gathered.Flush(); err != nil {
		return err
	}
	return d.finish()
}

// begin waits for a turn to make the file, but no longer than until late; nil: as long as the client does.
func (d *download) begin(late <-chan time.Time) error {
	select {
	case d.turns.making <- struct{}{}:
		d.making = true
		return nil
	case <-late:
		return errTurn
	case <-d.gone:
		d.broken = true
		return context.Canceled
	}
}

// rest lets another file be made.
func (d *download) rest() {
	if d.making {
		d.making = false
		<-d.turns.making
	}
}

// Write sends one part, the first with the headers. While it waits for the client, others have the turn.
func (d *download) Write(part []byte) (int, error) {
	d.rest()
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
	if err == nil && !d.made {
		err = d.begin(nil)
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

// turns are the files that are being sent.
type turns struct {
	making chan struct{} // has one for each that is being made

	mu    sync.Mutex // guards what follows
	total int
	each  map[turn]int
}

func newTurns() *turns {
	return &turns{making: make(chan struct{}, mostMade), each: make(map[turn]int)}
}

// take reports whether another file may be sent; who takes a turn gives it back.
func (t *turns) take(who turn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.total >= mostFiles || t.each[who] >= mostFilesEach {
		return false
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
