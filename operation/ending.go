package operation

import (
	"errors"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/auth"
)

// An Ending says why a session was closed and what its client should do next.
type Ending struct {
	Code   string // stable; sent in extensions.code and used as a label
	Close  int    // WebSocket close code
	Reason string // WebSocket close reason, for people
	Retry  bool   // whether coming back may help
}

// Everything that ends a session. PROTOCOL.md promises these to client authors.
var (
	Restarting       = Ending{Code: "DRAINING", Close: 1012, Reason: "Restarting", Retry: true}
	SlowConsumer     = Ending{Code: "SLOW_CONSUMER", Close: 4490, Reason: "Slow consumer", Retry: true}
	TryAgain         = Ending{Code: "UNAVAILABLE", Close: 1013, Reason: "Try again later", Retry: true}
	TooManySessions  = Ending{Code: "SESSION_LIMIT", Close: 1013, Reason: "Try again later: too many sessions", Retry: true}
	Flood            = Ending{Code: "RATE_LIMITED", Close: 1008, Reason: "Policy violation: too many messages"}
	BadCredentials   = Ending{Code: "UNAUTHENTICATED", Close: 4403, Reason: "Forbidden: bad credentials", Retry: true}
	TokenExpired     = Ending{Code: "TOKEN_EXPIRED", Close: 4403, Reason: "Forbidden: token expired", Retry: true}
	KeyRevoked       = Ending{Code: "KEY_REVOKED", Close: 4403, Reason: "Forbidden: key revoked", Retry: true}
	BadMessage       = Ending{Code: "BAD_REQUEST", Close: 4400, Reason: "Invalid message"}
	Unauthorized     = Ending{Code: "UNAUTHENTICATED", Close: 4401, Reason: "Unauthorized"}
	BadSubprotocol   = Ending{Code: "BAD_REQUEST", Close: 4406, Reason: "Subprotocol not acceptable"}
	InitTimeout      = Ending{Code: "INIT_TIMEOUT", Close: 4408, Reason: "Connection initialisation timeout", Retry: true}
	DuplicateID      = Ending{Code: "DUPLICATE_ID", Close: 4409, Reason: "Subscriber already exists"}
	TooManyInits     = Ending{Code: "BAD_REQUEST", Close: 4429, Reason: "Too many initialisation requests"}
	BadText          = Ending{Code: "BAD_REQUEST", Close: 1007, Reason: "Invalid UTF-8"}
	MessageTooBig    = Ending{Code: "MESSAGE_TOO_LARGE", Close: 1009, Reason: "Message too big"}
	ServerError      = Ending{Code: "INTERNAL", Close: 4500, Reason: "Internal server error"}
	ProtocolViolated = Ending{Code: "BAD_REQUEST", Close: 1002, Reason: "Protocol error"}
)

// CredentialsEnded is the ending of a session whose grant ended.
func CredentialsEnded(why error) Ending {
	if errors.Is(why, auth.ErrRevoked) {
		return KeyRevoked
	}
	return TokenExpired
}

// Errors are what operations are told of an ending that concerns them.
func (e Ending) Errors() gqlerror.List { return refuse(e.Code, "%s", e.Reason) }

// Codes of refusals and failures, in extensions.code of an error, the same on every transport.
const (
	CodeParseFailed       = "GRAPHQL_PARSE_FAILED"
	CodeValidationFailed  = "GRAPHQL_VALIDATION_FAILED"
	CodeBadUserInput      = "BAD_USER_INPUT"
	CodeBadRequest        = "BAD_REQUEST"
	CodeNoOperation       = "OPERATION_RESOLUTION_FAILURE"
	CodeUnauthenticated   = "UNAUTHENTICATED"
	CodeForbidden         = "FORBIDDEN"
	CodeViewerChanged     = "VIEWER_CHANGED"
	CodeTokenLimit        = "TOKEN_LIMIT"
	CodeDepthLimit        = "DEPTH_LIMIT"
	CodeAliasLimit        = "ALIAS_LIMIT"
	CodeRootFieldLimit    = "ROOT_FIELD_LIMIT"
	CodeDirectiveLimit    = "DIRECTIVE_LIMIT"
	CodeCostLimit         = "COST_LIMIT"
	CodeQueryTooLarge     = "QUERY_TOO_LARGE"
	CodeBudgetEvents      = "BUDGET_EVENTS"
	CodeBudgetTime        = "BUDGET_TIME"
	CodeBudgetUnavailable = "BUDGET_UNAVAILABLE"
	CodeUsageUnavailable  = "USAGE_UNAVAILABLE"
	CodeRateLimited       = "RATE_LIMITED"
	CodeSessionCap        = "SESSION_LIMIT"
	CodeSubscriptionCap   = "SUBSCRIPTION_LIMIT"
	CodeBatchLimit        = "BATCH_LIMIT"
	CodeIntrospection     = "INTROSPECTION_DISABLED"
	CodePersistedOff      = "PERSISTED_QUERY_NOT_SUPPORTED"
	CodePersistedUnknown  = "PERSISTED_QUERY_NOT_FOUND"
	CodePersistedRequired = "PERSISTED_QUERY_REQUIRED"
	CodeBroker            = "BROKER_UNAVAILABLE"
	CodeResumeGap         = "RESUME_GAP"
	CodeDraining          = "DRAINING"
	CodeDismissed         = "ENDED_BY_OPERATOR"
	CodeInternal          = "INTERNAL"
)
