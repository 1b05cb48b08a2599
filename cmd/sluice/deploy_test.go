package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The files of deploy/ set what there is to be set.
func TestDeploymentsNameSettingsThatExist(t *testing.T) {
	files, err := filepath.Glob("../../deploy/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	flags, found := new(Config).flags(), 0
	for _, file := range append(files, "../../deploy/compose.yaml", "../../deploy/Containerfile") {
		for _, name := range regexp.MustCompile(`SLUICE_[A-Z_]*[A-Z]`).FindAllString(fileText(t, file), -1) {
			found++
			flag := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, "SLUICE_"), "_", "-"))
			if flags.Lookup(flag) == nil {
				t.Errorf("%s sets %s, which is no setting", file, name)
			}
		}
	}
	if found == 0 {
		t.Error("no file sets anything")
	}
}

// A node that drains is not killed: it has so long as it may take, and five seconds more.
func TestDeploymentsLetNodesDrain(t *testing.T) {
	for _, tt := range []struct{ name, settings, grace, key string }{
		{"Kubernetes", "kubernetes/settings.yaml", "kubernetes/deployment.yaml", "terminationGracePeriodSeconds"},
		{"compose", "compose.yaml", "compose.yaml", "stop_grace_period"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			settings := fileText(t, "../../deploy/"+tt.settings)
			needed := duration(t, settings, "SLUICE_DRAIN_DELAY") + duration(t, settings, "SLUICE_DRAIN_WINDOW") + hardStop + 5*time.Second
			if has := duration(t, fileText(t, "../../deploy/"+tt.grace), tt.key); has < needed {
				t.Errorf("%v until a node is killed, which needs %v", has, needed)
			}
		})
	}
}

// duration reads one that stands behind a key; without a unit it is in seconds.
func duration(t *testing.T, text, key string) time.Duration {
	t.Helper()
	m := regexp.MustCompile(`(?m)^\s*` + key + `: (\d+)s?$`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("%s is not there", key)
	}
	d, err := time.ParseDuration(m[1] + "s")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func fileText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
