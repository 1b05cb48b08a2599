package deploy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A dashboard is what the tests read of one.
type dashboard struct {
	UID, Title string
	Panels     []struct {
		ID      int
		Type    string
		Title   string
		Targets []struct{ Expr string }
		GridPos struct{ H, W, X, Y int }
	}
	Templating struct {
		List []struct {
			Name  string
			Query json.RawMessage
		}
	}
}

func dashboards(t *testing.T) (all []dashboard) {
	t.Helper()
	files, err := filepath.Glob("grafana/dashboards/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no dashboards: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if "sluice-"+strings.TrimSuffix(filepath.Base(file), ".json") != d.UID {
			t.Errorf("%s has the uid %s", file, d.UID)
		}
		all = append(all, d)
	}
	return all
}

// expressions are those of a dashboard's panels.
func (d *dashboard) expressions() (all []string) {
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	return all
}

// filledIn is an expression as Grafana sends it.
func filledIn(expr string) string {
	return strings.NewReplacer("$job", "sluice", "$instance", ".*", "$field", "Subscription.message", "$operation", "Chat", "$__rate_interval", "5s").Replace(expr)
}

var metricName = regexp.MustCompile(`\b(?:sluice|go|process)_[a-z0-9_]+\b`)

// exposed are the names of the samples that a node with clients shows.
func exposed(t *testing.T, n *node) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	for line := range strings.Lines(n.metrics()) {
		if name := metricName.FindString(line); strings.HasPrefix(line, name) {
			names[name] = true
		}
	}
	return names
}

func TestDashboardsAndRulesNameMetricsThatExist(t *testing.T) {
	n := startNodes(t, 1)[0]
	n.waitForEvents()
	there, shown := exposed(t, n), make(map[string]bool)
	rules, err := os.ReadFile("prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range metricName.FindAllString(string(rules), -1) {
		if !there[name] && !there[name+"_count"] { // a text may name a histogram
			t.Errorf("a rule names %s, which is not there", name)
		}
	}
	for _, d := range dashboards(t) {
		text := strings.Join(d.expressions(), "\n")
		for _, v := range d.Templating.List {
			text += "\n" + string(v.Query)
		}
		for _, name := range metricName.FindAllString(text, -1) {
			shown[name] = true
			if !there[name] {
				t.Errorf("%s names %s, which is not there", d.Title, name)
			}
		}
	}
	for name := range there {
		if strings.HasPrefix(name, "sluice_") && !shown[name] && !shown[histogram(name)+"_bucket"] {
			t.Errorf("no dashboard shows %s", name)
		}
	}
}

// histogram is the name of the histogram that a sample belongs to.
func histogram(sample string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		sample = strings.TrimSuffix(sample, suffix)
	}
	return sample
}

func TestPanelsOfADashboardAreTellableApart(t *testing.T) {
	for _, d := range dashboards(t) {
		seen := make(map[int]bool)
		for _, p := range d.Panels {
			if seen[p.ID] || p.Title == "" {
				t.Errorf("%s: panel %d (%q) has another's id, or no title", d.Title, p.ID, p.Title)
			}
			seen[p.ID] = true
			if p.Type != "row" && p.Type != "text" && len(p.Targets) == 0 {
				t.Errorf("%s: %q shows nothing", d.Title, p.Title)
			}
		}
	}
}

func TestDashboardsHaveTheVariablesThatTheirPanelsName(t *testing.T) {
	variable := regexp.MustCompile(`\$([a-z]+)`)
	for _, d := range dashboards(t) {
		has := make(map[string]bool)
		for _, v := range d.Templating.List {
			has[v.Name] = true
		}
		for _, expr := range d.expressions() {
			for _, m := range variable.FindAllStringSubmatch(expr, -1) {
				if !has[m[1]] {
					t.Errorf("%s has no variable %s: %s", d.Title, m[1], expr)
				}
			}
		}
	}
}

func TestPanelsDoNotCoverEachOther(t *testing.T) {
	for _, d := range dashboards(t) {
		taken := make(map[[2]int]string)
		for _, p := range d.Panels {
			at := p.GridPos
			if at.X+at.W > 24 {
				t.Errorf("%s: %q is too wide", d.Title, p.Title)
			}
			for x := at.X; x < at.X+at.W; x++ {
				for y := at.Y; y < at.Y+at.H; y++ {
					if other, ok := taken[[2]int{x, y}]; ok {
						t.Fatalf("%s: %q covers %q", d.Title, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}
