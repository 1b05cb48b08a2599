package vault

import (
	"context"

	"github.com/sluice-gateway/sluice/auth"
)

// The fields of objects.
type (
	files struct{}
	safes struct{}
	boxes struct{}
)

func (files) Plain(_ ctx, f *File) (string, error)           { return f.show("plain") }
func (files) Known(_ ctx, f *File) (string, error)           { return f.show("known") }
func (files) Scoped(_ ctx, f *File) (string, error)          { return f.show("scoped") }
func (files) Claimed(_ ctx, f *File) (string, error)         { return f.show("claimed") }
func (files) Owned(_ ctx, f *File, _ string) (string, error) { return f.show("owned") }
func (files) Walled(_ ctx, f *File) (string, error)          { return f.show("walled") }
func (files) Mine(ctx ctx, f *File) (string, error)          { return f.whose(ctx) }
func (files) Whose(ctx ctx, f *File) (string, error)         { return f.whose(ctx) }
func (safes) Content(_ ctx, s *Safe) (string, error)         { return s.show("content") }
func (boxes) Content(_ ctx, b *Box) (string, error)          { return b.show("content") }

func (n note) show(field string) (string, error) {
	count(n.Cell)
	return In(field) + n.Word, nil
}

// whose depends on the viewer.
func (n note) whose(ctx context.Context) (string, error) {
	count(n.Cell)
	v, err := auth.ViewerFrom(ctx)
	if err != nil {
		return "", err
	}
	return Of(v.Subject) + n.Word, nil
}
