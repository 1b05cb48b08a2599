package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// build makes the gateway, from the module that the working directory is in.
func build(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "sluice")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/sluice-gateway/sluice/cmd/sluice")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the gateway: %w\n%s", err, out)
	}
	return path, nil
}
