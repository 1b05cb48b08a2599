package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/web"
)

var all = web.Options{Playground: true, Console: true, Shop: true}

func get(o web.Options, method, url string, encodings ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, url, nil)
	for _, encoding := range encodings {
		r.Header.Add("Accept-Encoding", encoding)
	}
	w := httptest.NewRecorder()
	web.Handler(o).ServeHTTP(w, r)
	return w
}

// pages are where they are, and the file of each.
var pages = map[string]string{
	"/": "playground.html", "/playground": "playground.html", "/console": "console.html", "/demo": "demo.html",
}

// built returns what a build has made, unpacked, by the path that it is asked for.
func built(t *testing.T) map[string][]byte {
	t.Helper()
	found := make(map[string][]byte)
	err := fs.WalkDir(os.DirFS("dist"), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile("dist/" + name)
		if strings.HasSuffix(name, ".gz") && err == nil {
			content, err = unpack(content)
		}
		found["/"+strings.TrimSuffix(name, ".gz")] = content
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for at, file := range pages {
		found[at] = found["/"+file]
	}
	for _, file := range pages {
		delete(found, "/"+file) // a page has an address, not the name of its file
	}
	return found
}

func unpack(content []byte) ([]byte, error) {
	from, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(from)
}

var kinds = map[string]string{
	"": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml", ".ttf": "font/ttf",
}

func TestEveryFileIsServedAsItWasBuilt(t *testing.T) {
	for at, want := range built(t) {
		if len(want) == 0 {
			t.Errorf("%s is empty", at)
		}
		for _, encodings := range [][]string{nil, {"gzip, deflate, br"}} {
			answer := get(all, http.MethodGet, at, encodings...)
			h := answer.Header()
			got, err := answer.Body.Bytes(), error(nil)
			if h.Get("Content-Encoding") == "gzip" {
				got, err = unpack(got)
			}
			if answer.Code != http.StatusOK || err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s, %q: %d, %d bytes of %d, %v", at, encodings, answer.Code, len(got), len(want), err)
			}
			if want := kinds[path.Ext(at)]; want == "" || h.Get("Content-Type") != want {
				t.Errorf("%s is of type %q, want %q", at, h.Get("Content-Type"), want)
			}
			cache := "no-cache"
			if strings.HasPrefix(at, "/assets/") {
				cache = "public, max-age=31536000, immutable"
			}
			if h.Get("Cache-Control") != cache {
				t.Errorf("%s is kept as %q, want %q", at, h.Get("Cache-Control"), cache)
			}
		}
	}
}

func TestWhoTakesGzipGetsTextPacked(t *testing.T) {
	for _, tt := range []struct {
		name     string
		accepted []string
		packed   bool
	}{
		{"nothing said", nil, false},
		{"gzip", []string{"gzip"}, true},
		{"gzip among others", []string{"deflate, gzip;q=0.8, br;q=1.0"}, true},
		{"gzip in another line, in capitals", []string{"deflate", "br, GZIP ; q=0.5"}, true},
		{"no gzip", []string{"gzip;q=0, br"}, false},
		{"gzip by a weight that is none", []string{"gzip;q=x"}, false},
		{"others", []string{"x-gzip, br"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := get(all, http.MethodGet, "/playground", tt.accepted...).Header()
			if (h.Get("Content-Encoding") == "gzip") != tt.packed || h.Get("Vary") != "Accept-Encoding" {
				t.Errorf("packed by %q, varies by %q", h.Get("Content-Encoding"), h.Get("Vary"))
			}
		})
	}
}

func TestPagesMayLoadNothingFromElsewhere(t *testing.T) {
	for at := range built(t) {
		policy := get(all, http.MethodGet, at, "gzip").Header().Get("Content-Security-Policy")
		sources := make(map[string]string)
		for rule := range strings.SplitSeq(policy, ";") {
			name, source, _ := strings.Cut(strings.TrimSpace(rule), " ")
			sources[name] = source
		}
		for name, want := range map[string]string{
			"default-src": "'none'", "script-src": "'self'", "worker-src": "'self'", "connect-src": "'self'", "font-src": "'self'",
			"frame-ancestors": "'none'", "base-uri": "'none'", "form-action": "'none'",
		} {
			if sources[name] != want {
				t.Errorf("%s: %s %q, want %q", at, name, sources[name], want)
			}
		}
		if strings.Contains(policy, "http") || strings.Contains(policy, "*") || strings.Contains(policy, "eval") {
			t.Errorf("%s: the policy is %q", at, policy)
		}
	}
}

// A script within a page, or of another origin, would not run.
func TestPagesNameOnlyFilesThatThereAre(t *testing.T) {
	files := built(t)
	named := regexp.MustCompile(`(?:src|href)="([^"]+)"`)
	inline := regexp.MustCompile(`<script(?:[^>]*)>[^<]|\son[a-z]+=`)
	for at := range pages {
		for _, match := range named.FindAllSubmatch(files[at], -1) {
			if _, there := files[string(match[1])]; !there {
				t.Errorf("%s names %s", at, match[1])
			}
		}
		if inline.Match(files[at]) {
			t.Errorf("%s has a script in it: %s", at, files[at])
		}
	}
}

func TestOnlyPagesThatAreOnAreFound(t *testing.T) {
	var asset string
	for at := range built(t) {
		if strings.HasPrefix(at, "/assets/") {
			asset = at
		}
	}
	for _, tt := range []struct {
		name    string
		options web.Options
		found   []string
	}{
		{"none", web.Options{}, nil},
		{"the playground", web.Options{Playground: true}, []string{"/", "/playground", asset}},
		{"the console", web.Options{Console: true}, []string{"/console", asset}},
		{"the shop", web.Options{Shop: true}, []string{"/demo", asset}},
		{"all", all, []string{"/", "/playground", "/console", "/demo", asset}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, at := range []string{"/", "/playground", "/console", "/demo", asset} {
				want := http.StatusNotFound
				for _, found := range tt.found {
					if at == found {
						want = http.StatusOK
					}
				}
				if got := get(tt.options, http.MethodGet, at).Code; got != want {
					t.Errorf("%s: %d, want %d", at, got, want)
				}
			}
		})
	}
}

func TestWhatIsNoPageIsNotFound(t *testing.T) {
	var asset string
	for at := range built(t) {
		if strings.HasSuffix(at, ".js") {
			asset = at
		}
	}
	for _, tt := range []struct {
		name, method, url string
		status            int
	}{
		{"an unknown page", http.MethodGet, "/nowhere", 404},
		{"a page below a page", http.MethodGet, "/playground/x", 404},
		{"the file of a page", http.MethodGet, "/playground.html", 404},
		{"an unknown asset", http.MethodGet, "/assets/x.js", 404},
		{"the folder of assets", http.MethodGet, "/assets/", 404},
		{"an asset as it is packed", http.MethodGet, asset + ".gz", 404},
		{"a page by the folder of assets", http.MethodGet, "/assets/..%2fplayground.html", 404},
		{"the source", http.MethodGet, "/assets/..%2f..%2fweb.go", 404},
		{"the source, packed twice", http.MethodGet, "/assets/%252e%252e%252fweb.go", 404},
		{"the source, by other slashes", http.MethodGet, `/assets/..%5c..%5cweb.go`, 404},
		{"a file of the machine", http.MethodGet, "/assets/%2fetc%2fpasswd", 404},
		{"an empty name with NUL", http.MethodGet, "/assets/%00.js", 404},
		{"a way out, cleaned by redirecting", http.MethodGet, "/assets/../web.go", 307},
		{"posting to a page", http.MethodPost, "/playground", 405},
		{"posting to an asset", http.MethodPost, asset, 405},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer := get(all, tt.method, tt.url)
			if answer.Code != tt.status || strings.Contains(answer.Body.String(), "package web") {
				t.Errorf("%d: %s", answer.Code, answer.Body)
			}
		})
	}
}

func TestHeadIsGetWithoutABody(t *testing.T) {
	server := httptest.NewServer(web.Handler(all))
	defer server.Close()
	for at := range built(t) {
		for _, encoding := range []string{"gzip", "identity"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, server.URL+at, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept-Encoding", encoding)
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if err != nil || len(body) > 0 || answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") == "" {
				t.Errorf("%s: %d, %d bytes, %v, %v", at, answer.StatusCode, len(body), answer.Header, err)
			}
		}
	}
}
