package graphqlws

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Message types of graphql-transport-ws.
const (
	typeInit      = "connection_init"
	typeAck       = "connection_ack"
	typePing      = "ping"
	typePong      = "pong"
	typeSubscribe = "subscribe"
	typeNext      = "next"
	typeError     = "error"
	typeComplete  = "complete"
)

// A message is what a client sent. ID is kept as the JSON string that came, for the answers.
type message struct {
	Type    string
	ID      json.RawMessage
	Payload json.RawMessage // an object, or nil
}

// decode reads one message. Its error is for the close reason.
func decode(text []byte) (message, error) {
	var m struct {
		Type    *string         `json:"type"`
		ID      json.RawMessage `json:"id"`
		Payload json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return message{}, errors.New("not a JSON object with a type")
	}
	if m.Type == nil {
		return message{}, errors.New("type is missing")
	}
	got := message{Type: *m.Type, ID: m.ID, Payload: m.Payload}
	if bytes.Equal(got.Payload, null) {
		got.Payload = nil
	}
	switch got.Type {
	case typeSubscribe, typeComplete:
		if len(got.ID) == 0 || got.ID[0] != '"' {
			return message{}, fmt.Errorf("%s needs a string id", got.Type)
		}
	case typeInit, typePing, typePong:
	case typeAck, typeNext, typeError:
		return message{}, fmt.Errorf("only servers send %s", got.Type)
	default:
		return message{}, errors.New("unknown type")
	}
	switch {
	case got.Type == typeSubscribe && got.Payload == nil:
		return message{}, errors.New("subscribe needs a payload")
	case got.Type != typeComplete && got.Payload != nil && got.Payload[0] != '{':
		return message{}, fmt.Errorf("the payload of %s must be an object", got.Type)
	}
	return got, nil
}

var null = []byte("null")

// Frames that are the same for everybody.
var (
	ackFrame = textFrame([]byte(`{"type":"connection_ack"}`))
	// keepalive is a ping of the WebSocket, which every client answers, even a page that is
	// frozen, and one of the protocol, which lets a page see that the server is there.
	keepalive = append(controlFrame(finalPing, nil), textFrame([]byte(`{"type":"ping"}`))...)
)

func pongFrame(payload json.RawMessage) []byte {
	if payload == nil {
		return textFrame([]byte(`{"type":"pong"}`))
	}
	return textFrame(fmt.Appendf(nil, `{"type":"pong","payload":%s}`, payload))
}

// nextHead stands before the shared bytes of a result; a brace stands after them.
func nextHead(id json.RawMessage) []byte {
	const before, after = `{"id":`, `,"type":"next","payload":`
	head := make([]byte, 0, len(before)+len(id)+len(after))
	return append(append(append(head, before...), id...), after...)
}

var nextTail = []byte("}")

// endFrame is the last message of an operation: complete, or error.
func endFrame(id json.RawMessage, errs gqlerror.List) []byte {
	if len(errs) == 0 {
		return textFrame(fmt.Appendf(nil, `{"id":%s,"type":"complete"}`, id))
	}
	list, err := json.Marshal(errs)
	if err != nil {
		list = []byte(`[{"message":"internal error","extensions":{"code":"INTERNAL"}}]`)
	}
	return textFrame(fmt.Appendf(nil, `{"id":%s,"type":"error","payload":%s}`, id, list))
}
