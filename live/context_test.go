package live

import (
	"context"
	"slices"
	"testing"
)

func TestTouch(t *testing.T) {
	Touch(t.Context(), "nobody", "listens")
	var got []string
	ctx := WithRecorder(t.Context(), func(keys ...string) { got = append(got, keys...) })
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	Touch(inner, "a", "b")
	Touch(ctx, "c")
	Touch(ctx)
	if want := []string{"a", "b", "c"}; !slices.Equal(got, want) {
		t.Errorf("touched %q, want %q", got, want)
	}
}
