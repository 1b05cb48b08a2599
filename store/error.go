package store

import (
	"errors"
	"fmt"

	"github.com/sluice-gateway/sluice/internal/database"
)

// ErrUnavailable reports that the database cannot be reached or cannot serve now; trying again later
// may help. A write may have happened all the same, if the connection was lost when it ended.
var ErrUnavailable = database.ErrUnavailable

// BadUserInput is the code of an Error: the request asks for what cannot be.
const BadUserInput = "BAD_USER_INPUT"

// An Error is what a caller did wrong. Its message is a sentence that a client may read.
type Error struct {
	Code    string // stable, sent to clients in extensions.code
	Message string
}

func (e *Error) Error() string { return e.Message }

func refuse(format string, args ...any) error {
	return &Error{Code: BadUserInput, Message: fmt.Sprintf(format, args...)}
}

// toCaller makes a parameter that is no text what it is here: the caller's mistake.
func toCaller(err error) error {
	var bad *database.TextError
	if errors.As(err, &bad) {
		return refuse("%s", bad.Error())
	}
	return err
}

// NoOrder is the Error of an id that no order has.
func NoOrder(id string) error { return refuse("there is no order %q", id) }

func noProduct(id string) error { return refuse("there is no product %q", id) }
