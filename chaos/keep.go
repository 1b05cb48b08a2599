package main

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// keep writes down what everybody wrote down, and what is wrong with it, for whoever looks for the reason.
func (r *report) keep() error {
	text, err := json.MarshalIndent(map[string]any{"history": r.history, "found": r.found}, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.dir, "history.json"), text, 0o600)
}
