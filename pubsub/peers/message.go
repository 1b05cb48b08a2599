package peers

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// The topics of nodes. Clients can neither subscribe nor publish to them.
const (
	nodesTopic   = "_sluice.nodes"    // announcements of all nodes
	askTopic     = "_sluice.ask"      // questions of all nodes
	answersTopic = "_sluice.answers." // and a node's name: answers to it
)

const (
	// headroom is what a message may have besides its state or body. It holds an error's text, of
	// which JSON may make six times as many bytes.
	headroom = 4 << 10
	// maxText is how much of an error is told.
	maxText = 512
	maxID   = 64

	maxAnnouncement = MaxState + headroom
	maxMessage      = (MaxBody+2)/3*4 + headroom // of questions and answers, whose bodies are base64
)

var errMalformed = errors.New("peers: not a message of a node")

// An announcement says that a node is there, or that it leaves.
type announcement struct {
	Node    string          `json:"node"`
	Started time.Time       `json:"started"` // tells two processes of one name apart
	Gone    bool            `json:"gone,omitempty"`
	State   json.RawMessage `json:"state,omitempty"`
}

// A question is put to every node, or to one.
type question struct {
	ID   string `json:"id"`
	From string `json:"from"` // the node that asks
	To   string `json:"to,omitempty"`
	Kind string `json:"kind"`
	Body []byte `json:"body,omitempty"`
}

// An answer says what one node has to say to a question: a body, or with a code why there is none.
type answer struct {
	ID   string `json:"id"`
	Node string `json:"node"` // the node that answers
	Body []byte `json:"body,omitempty"`
	Code string `json:"code,omitempty"`
	Text string `json:"error,omitempty"` // what codeFailed comes with
}

// parseAnnouncement reads a message of nodesTopic. Its error is errMalformed.
func parseAnnouncement(payload []byte) (a announcement, err error) {
	if len(payload) > maxAnnouncement || json.Unmarshal(payload, &a) != nil ||
		!isName(a.Node) || a.Started.IsZero() || len(a.State) > MaxState {
		return announcement{}, errMalformed
	}
	return a, nil
}

// parseQuestion reads a message of askTopic. Its error is errMalformed.
func parseQuestion(payload []byte) (q question, err error) {
	if len(payload) > maxMessage || json.Unmarshal(payload, &q) != nil ||
		!isID(q.ID) || !isName(q.From) || (q.To != "" && !isName(q.To)) || !isName(q.Kind) || len(q.Body) > MaxBody {
		return question{}, errMalformed
	}
	return q, nil
}

// parseAnswer reads a message of a node's own topic. Its error is errMalformed.
func parseAnswer(payload []byte) (a answer, err error) {
	if len(payload) > maxMessage || json.Unmarshal(payload, &a) != nil ||
		!isID(a.ID) || !isName(a.Node) || len(a.Body) > MaxBody || len(a.Code) > maxNameLength {
		return answer{}, errMalformed
	}
	a.Text = cut(a.Text)
	return a, nil
}

func isID(s string) bool { return s != "" && len(s) <= maxID }

// encode makes a message. It adds nothing to a state, as escaping for HTML would.
func encode(message any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(message); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// cut returns as much of an error's text as is told.
func cut(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), maxText)], "")
}
