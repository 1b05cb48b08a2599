package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFilesAreYAML(t *testing.T) {
	for _, pattern := range []string{"*.yaml", "*/*.yaml", "*/*/*/*.yaml"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			if err := yaml.Unmarshal([]byte(read(t, file)), new(any)); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

var image = regexp.MustCompile(`(?m)^\s*(?:image:|FROM) (\S+)`)

func TestImagesArePinned(t *testing.T) {
	exact := regexp.MustCompile(`:v?\d+\.\d+(\.\d+)?$`)
	for _, file := range []string{"Containerfile", "compose.yaml"} {
		found := image.FindAllStringSubmatch(read(t, file), -1)
		if len(found) == 0 {
			t.Errorf("%s names no image", file)
		}
		for _, m := range found {
			if name := m[1]; name != "scratch" && name != "sluice:local" && !exact.MatchString(name) {
				t.Errorf("%s: %s may be another image tomorrow", file, name)
			}
		}
	}
}

func TestTheImageIsTheBinaryAlone(t *testing.T) {
	text := read(t, "Containerfile")
	_, last, _ := strings.Cut(text, "FROM scratch")
	if last == "" || strings.Contains(last, "\nRUN ") || !strings.Contains(last, "\nUSER 65532:65532\n") || !strings.Contains(text, "CGO_ENABLED=0") {
		t.Errorf("the image has a shell, a user with rights, or a binary that needs libraries:\n%s", text)
	}
}
