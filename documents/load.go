package documents

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// maxManifest is the size of the largest manifest, in bytes.
const maxManifest = 64 << 20

// Load reads trusted documents from a folder or a manifest.
//
// Of a folder, and the folders in it, every file *.graphql or *.gql is a document, to the last
// byte; its id is its hash. Names that begin with a dot are passed over, and links to folders too.
//
// A manifest is a JSON file: Apollo's persisted query manifest, or an object whose names are ids and
// whose values are texts, as the Relay compiler and GraphQL Code Generator write it. An id need not
// be the hash of its text.
//
// The error lists everything that is wrong, with file and id. No documents at all is wrong.
func Load(path string) (*Trusted, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("documents: %w", err)
	}
	l := &loader{path: path, trusted: newTrusted()}
	if info.IsDir() {
		l.folder()
	} else {
		l.manifest(info.Size())
	}
	for _, id := range l.trusted.confused() {
		l.fail(path, fmt.Errorf("id %q is the hash of another document", id))
	}
	if len(l.bad) == 0 && l.trusted.Len() == 0 {
		l.fail(path, errors.New("there is no document in it"))
	}
	if len(l.bad) > 0 {
		return nil, errors.Join(l.bad...)
	}
	return l.trusted, nil
}

// A loader gathers documents, and what is wrong with them.
type loader struct {
	path    string
	trusted *Trusted
	bad     []error
}

func (l *loader) fail(file string, err error) {
	l.bad = append(l.bad, fmt.Errorf("documents: %s: %w", file, err))
}

// full reports whether there are too many documents to go on.
func (l *loader) full() bool {
	if l.trusted.Len() <= MaxTrusted {
		return false
	}
	l.fail(l.path, fmt.Errorf("there are more than %d documents", MaxTrusted))
	return true
}

func (l *loader) folder() {
	files := os.DirFS(l.path)
	_ = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error { // returns none
		hidden := name != "." && strings.HasPrefix(path.Base(name), ".")
		switch {
		case err != nil:
			l.fail(filepath.Join(l.path, name), withoutPath(err))
		case entry.IsDir() && hidden: // .git, or ..data of a Kubernetes volume
			return fs.SkipDir
		case !entry.IsDir() && !hidden && isDocument(name):
			l.file(files, name)
		}
		if l.full() {
			return fs.SkipAll
		}
		return nil
	})
}

func (l *loader) file(files fs.FS, name string) {
	text, err := read(files, name)
	if err == nil {
		err = l.trusted.add(Hash(text), text)
	}
	if err != nil {
		l.fail(filepath.Join(l.path, name), withoutPath(err))
	}
}

func isDocument(name string) bool {
	return strings.HasSuffix(name, ".graphql") || strings.HasSuffix(name, ".gql")
}

// read returns the text of a file. It asks what the file is before it opens it: a pipe would wait
// for a writer.
func read(files fs.FS, name string) (string, error) {
	info, err := fs.Stat(files, name)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", errors.New("it is no regular file")
	case info.Size() > MaxText:
		return "", tooLarge(info.Size())
	}
	data, err := fs.ReadFile(files, name)
	if err == nil && !utf8.Valid(data) {
		err = errors.New("it is not UTF-8")
	}
	return string(data), err
}

func (l *loader) manifest(size int64) {
	if size > maxManifest {
		l.fail(l.path, fmt.Errorf("it has %d bytes, more than the limit of %d", size, maxManifest))
		return
	}
	data, err := os.ReadFile(l.path)
	if err != nil {
		l.fail(l.path, withoutPath(err))
		return
	}
	entries, bad := parseManifest(data)
	for _, err := range bad {
		l.fail(l.path, err)
	}
	for _, e := range entries {
		if err := l.trusted.add(e.id, e.text); err != nil {
			l.fail(l.path, fmt.Errorf("id %q: %w", e.id, err))
		}
		if l.full() {
			return
		}
	}
}

// withoutPath is the reason alone, where the error names the file too.
func withoutPath(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}
