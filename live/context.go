package live

import "context"

type recorderKey struct{}

// WithRecorder returns a context in which Touch calls record.
func WithRecorder(ctx context.Context, record func(keys ...string)) context.Context {
	return context.WithValue(ctx, recorderKey{}, record)
}

// Touch is for resolvers. Of a query it says that its result depends on what the keys name, besides what
// shows in it; of a mutation, that it has changed that. Elsewhere it does nothing.
func Touch(ctx context.Context, keys ...string) {
	if record, ok := ctx.Value(recorderKey{}).(func(keys ...string)); ok {
		record(keys...)
	}
}
