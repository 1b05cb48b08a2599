package keys_test

import (
	"context"
	"fmt"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/auth/keys"
	"github.com/sluice-gateway/sluice/auth/keys/keystest"
)

func ExampleManager() {
	ctx := context.Background()
	m := keys.New(new(keystest.Memory), keys.Options{})
	k, text, _ := m.Create(ctx, keys.Key{Name: "Web shop", Consumer: "shop", Scopes: []string{"orders:write"}})

	viewer, _ := m.Authenticate(ctx, auth.Credentials{Token: text})
	fmt.Println(viewer.Consumer, viewer.Scopes)

	_, _ = m.Revoke(ctx, k.ID)
	_, err := m.Authenticate(ctx, auth.Credentials{Token: text})
	fmt.Println(err)
	// Output:
	// shop [orders:write]
	// auth: bad credentials: the key was revoked
}
