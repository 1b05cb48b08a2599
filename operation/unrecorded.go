package operation

import (
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/limits"
)

// unrecorded says why an operation must not begin whose usage cannot be kept.
func (op *Operation) unrecorded() gqlerror.List {
	e := op.engine
	if e.options.Unrecorded == nil || !e.planOf(op.Viewer()).StopUnrecorded || !e.options.Unrecorded() {
		return nil
	}
	return unrecordedErrors(e.planOf(op.Viewer()))
}

func unrecordedErrors(plan *limits.Plan) gqlerror.List {
	return refuse(CodeUsageUnavailable, "what you use cannot be recorded at the moment, and plan %s has nothing without; try again later", plan.Name)
}

// StopUnrecorded ends the operations that last of consumers whose plan gives them nothing that cannot be
// recorded, if that is so now.
func (e *Engine) StopUnrecorded() {
	if e.options.Unrecorded == nil || e.options.Recorder == nil || !e.options.Unrecorded() {
		return
	}
	for _, record := range e.options.Recorder.Running(nil) {
		op, ours := record.Runner().(*Operation)
		if !ours || !op.Streaming() {
			continue
		}
		if plan := e.planOf(op.Viewer()); plan.StopUnrecorded {
			op.Fail(unrecordedErrors(plan))
		}
	}
}
