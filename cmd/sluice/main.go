// Command sluice is the gateway: it reads flags, environment and the configuration file, wires the
// parts together, serves, and drains on SIGTERM. Nothing else reads any of those. As sluice keys it
// manages the gateway's API keys, as sluice usage it reads what consumers have had.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// The first signal drains; a second one ends the process at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	err := run(ctx, os.Args[1:])
	var mistake usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.As(err, &mistake):
		fmt.Fprintln(os.Stderr, mistake)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "sluice:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "keys":
			return runKeys(ctx, args[1:], os.LookupEnv, os.Stdout, os.Stderr)
		case "usage":
			return runUsage(ctx, args[1:], os.LookupEnv, os.Stdout, os.Stderr)
		case "help":
			args = []string{"--help"}
		}
	}
	config, err := Load(args, os.LookupEnv)
	if err != nil {
		return usageError{err}
	}
	return Serve(ctx, config, os.Stdout)
}
