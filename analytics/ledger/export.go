package ledger

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"
)

// An Exporter writes entries as a file, one after the other. Close ends the file; it does not close what
// it is written to.
type Exporter interface {
	Write(Entry) error
	Close() error
}

// NewExporter makes the exporter of a format, csv or json. CSV begins with the names of the columns; JSON
// is one list, with an entry on each line. An entry's Hour is its step's start.
func NewExporter(format string, w io.Writer, s Step) (Exporter, error) {
	switch format {
	case "csv":
		return &csvExporter{w: csv.NewWriter(w), step: s}, nil
	case "json":
		return &jsonExporter{w: w, step: s}, nil
	}
	return nil, fmt.Errorf("%q is neither csv nor json", format)
}

var columns = []string{"start", "step", "issuer", "consumer", "plan", "field", "events", "bytes", "connected_ms", "requests"}

type csvExporter struct {
	w     *csv.Writer
	step  Step
	begun bool
}

// begin writes the names: a file without entries has them, too.
func (c *csvExporter) begin() error {
	if c.begun {
		return nil
	}
	c.begun = true
	return c.w.Write(columns)
}

func (c *csvExporter) Write(e Entry) error {
	if err := c.begin(); err != nil {
		return err
	}
	row := []string{e.Hour.UTC().Format(time.RFC3339), string(c.step), e.Issuer, e.Consumer, e.Plan, e.Field}
	for _, n := range []int64{e.Events, e.Bytes, e.ConnectedMillis, e.Requests} {
		row = append(row, strconv.FormatInt(n, 10))
	}
	return c.w.Write(row)
}

func (c *csvExporter) Close() error {
	if err := c.begin(); err != nil {
		return err
	}
	c.w.Flush()
	return c.w.Error()
}

type jsonExporter struct {
	w     io.Writer
	step  Step
	begun bool
}

func (j *jsonExporter) Write(e Entry) error {
	text, err := json.Marshal(struct {
		Start time.Time `json:"start"`
		Step  Step      `json:"step"`
		Key
		Usage
	}{e.Hour.UTC(), j.step, e.Key, e.Usage})
	if err != nil {
		return err
	}
	before := ",\n"
	if !j.begun {
		before = "[\n"
	}
	j.begun = true
	_, err = io.WriteString(j.w, before+string(text))
	return err
}

func (j *jsonExporter) Close() error {
	end := "\n]\n"
	if !j.begun {
		end = "[]\n"
	}
	_, err := io.WriteString(j.w, end)
	return err
}
