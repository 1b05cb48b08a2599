// Package web is the pages that the gateway serves: the playground (GraphiQL), the console and the shop. They
// are built from the sources beside it, by make web, and are ordinary clients of the gateway's API: nothing
// in them is private.
//
// Pages load nothing from anywhere else, and a strict Content-Security-Policy has it so. A handler is safe
// for concurrent use.
package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed all:dist
var files embed.FS

// Options say which pages there are.
type Options struct {
	Playground bool // at /playground, and at /
	Console    bool // at /console
	Shop       bool // at /demo
}

// policy is what a page may load and do. The editor of the playground writes styles of its own, and has
// its workers made from the page's origin.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler serves the pages. What is no page of theirs is not found.
func Handler(o Options) http.Handler {
	mux := http.NewServeMux()
	page := func(on bool, file string, paths ...string) {
		for _, at := range paths {
			if on {
				mux.HandleFunc("GET "+at, func(w http.ResponseWriter, r *http.Request) { serve(w, r, file, false) })
			}
		}
	}
	page(o.Playground, "playground.html", "/{$}", "/playground")
	page(o.Console, "console.html", "/console")
	page(o.Shop, "demo.html", "/demo")
	if o != (Options{}) {
		mux.HandleFunc("GET /assets/{file}", func(w http.ResponseWriter, r *http.Request) {
			serve(w, r, "assets/"+r.PathValue("file"), true) // embed.FS has no file whose name has a .. in it
		})
	}
	return mux
}

// kinds are what is in files, by the ends of their names: the tables of the machine may know less, and
// browsers run no script that is not said to be one.
var kinds = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".ttf":  "font/ttf",
}

// serve sends a file. Assets have a hash of what they are in their names: a browser need never ask again.
func serve(w http.ResponseWriter, r *http.Request, name string, immutable bool) {
	content, packed, err := read(name)
	kind := kinds[path.Ext(name)]
	if err != nil || kind == "" {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-cache")
	if immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if packed {
		h.Set("Vary", "Accept-Encoding")
		if !takesGzip(r.Header.Values("Accept-Encoding")) {
			unpack(w, content)
			return
		}
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content)
}

// read returns a file as it was built, and whether it is packed.
func read(name string) (content []byte, packed bool, err error) {
	content, err = fs.ReadFile(files, "dist/"+name+".gz")
	if err == nil {
		return content, true, nil
	}
	content, err = fs.ReadFile(files, "dist/"+name)
	return content, false, err
}

// takesGzip reads Accept-Encoding: gzip by its name, and with another q than 0.
func takesGzip(accepted []string) bool {
	for coding := range strings.SplitSeq(strings.Join(accepted, ","), ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		_, q, found := strings.Cut(weight, "=")
		value, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
		return !found || err == nil && value > 0
	}
	return false
}

// unpack is for the few who take no gzip. What is packed is our own.
func unpack(w io.Writer, content []byte) {
	from, err := gzip.NewReader(bytes.NewReader(content))
	if err == nil {
		_, _ = io.Copy(w, from)
	}
}
