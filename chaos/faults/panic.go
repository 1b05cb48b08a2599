package faults

import (
	"fmt"
	"time"
)

// codeInternal is what clients are told of a panic.
const codeInternal = "INTERNAL"

// panicResolvers has resolvers panic by the next events, in fields and outside of them.
func (h *Harm) panicResolvers() error {
	before := h.Told(codeInternal)
	h.Provoke(20)
	h.progress(20)
	return poll(10*time.Second, func() error {
		if h.Told(codeInternal) == before && h.Err() == nil {
			return fmt.Errorf("nobody was told of a panic")
		}
		return nil
	})
}
