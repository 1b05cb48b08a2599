package resolvers

import (
	"errors"

	"github.com/sluice-gateway/sluice/auth/keys"
	"github.com/sluice-gateway/sluice/store"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// clientError gives a caller's mistake its code and its sentence. Other errors stay as they are:
// the gateway logs them and tells the client nothing.
func clientError(err error) error {
	var mistake *store.Error
	if errors.As(err, &mistake) {
		return coded(mistake.Code, mistake.Message, err)
	}
	var input *keys.InputError
	if errors.As(err, &input) {
		return coded(store.BadUserInput, input.Message, err)
	}
	return err
}

func coded(code, message string, err error) error {
	return &gqlerror.Error{Err: err, Message: message, Extensions: map[string]any{"code": code}}
}
