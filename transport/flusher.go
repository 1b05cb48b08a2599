package transport

import (
	"net/http"
	"time"
)

// A flusher hands bytes to the kernel, or fails when the client does not read them in time.
type flusher struct {
	w           http.ResponseWriter
	control     *http.ResponseController
	multiplexed bool
}

// extend gives what is written now or next its time. A writer that knows no deadlines, as some
// wrappers, goes without: that the client leaves is noticed all the same.
func (f *flusher) extend(timeout time.Duration) {
	_ = f.control.SetWriteDeadline(time.Now().Add(timeout))
}

func (f *flusher) flush(b []byte) error {
	if _, err := f.w.Write(b); err != nil {
		return err
	}
	if err := f.control.Flush(); err != nil {
		return err
	}
	if f.multiplexed { // HTTP/2 ends a stream at its deadline, be there something to write or not
		_ = f.control.SetWriteDeadline(time.Time{})
	}
	return nil
}
