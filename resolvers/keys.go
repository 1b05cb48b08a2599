package resolvers

import (
	"context"
	"errors"
	"log/slog"

	"github.com/99designs/gqlgen/graphql"

	"github.com/sluice-gateway/sluice/auth/keys"
	"github.com/sluice-gateway/sluice/graph/model"
)

// listedKeys is how many keys are listed if nobody says, as the schema's default is.
const listedKeys = 50

func newKey(input *model.CreateAPIKeyInput) (keys.Key, error) {
	addresses, err := keys.ParseAddresses(input.Addresses)
	return keys.Key{
		Name: input.Name, Consumer: input.Consumer, Subject: orZero(input.Subject.Value()),
		Scopes: input.Scopes, Publish: input.Publish, Plan: orZero(input.Plan.Value()),
		Origins: input.Origins, Addresses: addresses, Expires: orZero(input.ExpiresAt.Value()),
	}, err
}

func keyChange(input *model.UpdateAPIKeyInput) (keys.Change, error) {
	change := keys.Change{
		Name: input.Name.Value(), Scopes: given(input.Scopes), Publish: given(input.Publish),
		Plan: givenOrZero(input.Plan), Origins: given(input.Origins), Expires: givenOrZero(input.ExpiresAt),
	}
	if list, ok := input.Addresses.ValueOK(); ok {
		addresses, err := keys.ParseAddresses(list)
		if err != nil {
			return change, err
		}
		change.Addresses = &addresses
	}
	return change, nil
}

// given is nil for what was left out, which is not the same as null.
func given[T any](field graphql.Omittable[T]) *T {
	value, ok := field.ValueOK()
	if !ok {
		return nil
	}
	return &value
}

func givenOrZero[T any](field graphql.Omittable[*T]) *T {
	value, ok := field.ValueOK()
	if ok && value == nil {
		return new(T)
	}
	return value
}

func orZero[T any](value *T) T {
	if value == nil {
		return *new(T)
	}
	return *value
}

// told is clientError for a change that may stand although the nodes were not told of it. Then the
// caller gets its result, with an error beside it: a key that nobody has seen would be lost.
func told(ctx context.Context, err error) error {
	if !errors.Is(err, keys.ErrNotAnnounced) {
		return clientError(err)
	}
	slog.ErrorContext(ctx, "a change of a key was not announced", "error", err)
	graphql.AddError(ctx, coded("BROKER_UNAVAILABLE",
		"The change was made, but the nodes could not be told: open sessions notice at their next check.", err))
	return nil
}
