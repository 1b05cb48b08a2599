// Package transport holds what every transport needs: reading a GraphQL request, telling allowed
// origins and credentials, refusing over HTTP, writing a stream into an HTTP response, and the open
// sessions of a node. It executes nothing, and each protocol has a folder of its own.
package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"unicode/utf8"

	"github.com/sluice-gateway/sluice/operation"
)

// ErrNotJSON reports a body that is not JSON at all; other errors of ParseRequest are about JSON of
// a wrong shape.
var ErrNotJSON = errors.New("the body is not JSON")

// ErrBatch reports an array of requests, which is not offered.
var ErrBatch = errors.New("batches are not supported; send one operation a request")

// ParseRequest reads the parameters of GraphQL over HTTP, section 5.1 (`query`, `operationName`,
// `variables`, `extensions`), which are also the payload of a subscribe message, or the id of a
// document in place of the query. Null is absent, unknown members are ignored. The error says which
// member is wrong.
func ParseRequest(body []byte) (operation.Request, error) {
	var req operation.Request
	if !utf8.Valid(body) {
		return req, fmt.Errorf("%w: it has bytes that are not UTF-8", ErrNotJSON)
	}
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '[' && json.Valid(body) {
		return req, ErrBatch
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		if json.Valid(body) {
			return req, errors.New("the request must be a JSON object")
		}
		return req, fmt.Errorf("%w: %w", ErrNotJSON, err)
	}
	if members == nil {
		return req, errors.New("the request must be a JSON object")
	}
	err := errors.Join(
		member(members, "query", "a string", &req.Query),
		member(members, "operationName", "a string", &req.OperationName),
		member(members, "variables", "an object", &req.Variables),
		member(members, "extensions", "an object", &req.Extensions),
	)
	if err != nil || req.Query != "" {
		return req, err
	}
	for _, name := range documentIDs {
		if req.DocumentID == "" {
			err = errors.Join(err, member(members, name, "a string", &req.DocumentID))
		}
	}
	return req, err
}

// documentIDs are the names by which clients name a document instead of sending a query: that of
// GraphQL over HTTP, and Relay's.
var documentIDs = []string{"documentId", "doc_id", "id"}

// ParseQuery reads the same parameters from a URL, where variables and extensions are JSON in a
// string and an empty string is absent.
func ParseQuery(values url.Values) (operation.Request, error) {
	req := operation.Request{Query: values.Get("query"), OperationName: values.Get("operationName")}
	if !utf8.ValidString(req.Query) || !utf8.ValidString(req.OperationName) {
		return req, errors.New("the query must be UTF-8")
	}
	for _, name := range documentIDs {
		if req.Query == "" && req.DocumentID == "" {
			req.DocumentID = values.Get(name)
		}
	}
	members := make(map[string]json.RawMessage, 2)
	for _, name := range []string{"variables", "extensions"} {
		text := values.Get(name)
		switch {
		case text == "":
		case !utf8.ValidString(text) || !json.Valid([]byte(text)):
			return req, fmt.Errorf("%q must be JSON", name)
		default:
			members[name] = json.RawMessage(text)
		}
	}
	return req, errors.Join(
		member(members, "variables", "an object", &req.Variables),
		member(members, "extensions", "an object", &req.Extensions),
	)
}

func member[T any](members map[string]json.RawMessage, name, kind string, into *T) error {
	raw, ok := members[name]
	if !ok {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("%q must be %s or null", name, kind)
	}
	return nil
}
