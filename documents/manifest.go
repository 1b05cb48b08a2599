package documents

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// apolloFormat is what an Apollo manifest calls itself.
const apolloFormat = "apollo-persisted-query-manifest"

// An entry is a document as it stands in a manifest.
type entry struct{ id, text string }

// parseManifest reads a manifest: Apollo's, or an object of texts by their ids, as Relay and
// GraphQL Code Generator write it. It returns the entries that it could read, duplicates included,
// and an error for each one that it could not.
func parseManifest(data []byte) ([]entry, []error) {
	if !utf8.Valid(data) {
		return nil, []error{errors.New("it is not UTF-8")}
	}
	members, err := object(data)
	if err != nil {
		return nil, []error{fmt.Errorf("it is not a JSON object: %w", err)}
	}
	for _, m := range members {
		if m.name == "format" && textOf(m.value) == apolloFormat {
			return parseApollo(data)
		}
	}
	return parsePlain(members)
}

func parsePlain(members []member) (entries []entry, bad []error) {
	for _, m := range members {
		var text *string
		if err := json.Unmarshal(m.value, &text); err != nil || text == nil {
			bad = append(bad, fmt.Errorf("id %q: the document is not a string", m.name))
			continue
		}
		entries = append(entries, entry{m.name, *text})
	}
	return entries, bad
}

func parseApollo(data []byte) (entries []entry, bad []error) {
	var manifest struct {
		Version    int               `json:"version"`
		Operations []json.RawMessage `json:"operations"`
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		return nil, []error{err}
	}
	if manifest.Version != 1 {
		return nil, []error{fmt.Errorf("version %d of %s is not known, only 1", manifest.Version, apolloFormat)}
	}
	for i, raw := range manifest.Operations {
		var operation struct {
			ID   string `json:"id"`
			Body string `json:"body"`
		}
		if err := json.Unmarshal(raw, &operation); err != nil {
			bad = append(bad, fmt.Errorf("operations[%d]: %w", i, err))
			continue
		}
		entries = append(entries, entry{operation.ID, operation.Body})
	}
	return entries, bad
}

// A member is a name and a value of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// object reads one JSON object. Unlike a map it keeps what stands there twice: in a list of what is
// allowed, the second must not silently win.
func object(data []byte) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, cause(err, "it begins otherwise")
	}
	var members []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, cause(err, "")
		}
		m := member{name: name.(string)} // the decoder accepts nothing else before a colon
		if err := d.Decode(&m.value); err != nil {
			return nil, cause(err, "")
		}
		members = append(members, m)
	}
	if _, err := d.Token(); err != nil {
		return nil, cause(err, "")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows it")
	}
	return members, nil
}

// cause is the reason why reading failed.
func cause(err error, otherwise string) error {
	switch {
	case err == nil:
		return errors.New(otherwise)
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}

// textOf is the string that raw is, or "".
func textOf(raw json.RawMessage) string {
	var text string
	_ = json.Unmarshal(raw, &text) // anything else is no string
	return text
}
