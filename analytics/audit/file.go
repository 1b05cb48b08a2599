package audit

import (
	"os"
	"sync"
	"time"
)

// look is how often a file is looked for where it was opened: in between a file that was moved gets lines.
const look = time.Second

// A file is appended to, a line at a time.
type file struct {
	path string

	mu     sync.Mutex // guards what follows; it is held while a line is written, so that lines stand one behind the other
	open   *os.File
	looked time.Time // when it was seen at its path; zero: look at once
	torn   bool      // the latest line is not whole
	closed bool
}

func openFile(path string) (*file, error) {
	opened, err := openEnd(path)
	if err != nil {
		return nil, err
	}
	return &file{path: path, open: opened, looked: time.Now()}, nil
}

// openEnd opens a file so that every write is at its end, also where several processes write.
func openEnd(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
}

// append writes a line with its end. Behind a line that broke off, on a full disk say, it begins a new one.
func (f *file) append(line []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return os.ErrClosed
	}
	if err := f.findLocked(); err != nil {
		return err
	}
	if f.torn {
		line = append([]byte{'\n'}, line...)
	}
	n, err := f.open.Write(line)
	if n > 0 {
		f.torn = n < len(line)
	}
	return err
}

// findLocked opens the file anew when another one, or none, is where it was.
func (f *file) findLocked() error {
	if time.Since(f.looked) < look {
		return nil
	}
	if f.atPathLocked() {
		f.looked = time.Now()
		return nil
	}
	opened, err := openEnd(f.path)
	if err != nil {
		f.looked = time.Time{} // the next line tries again
		return err
	}
	_ = f.open.Close() // each line was written when its write returned
	f.open, f.looked, f.torn = opened, time.Now(), false
	return nil
}

func (f *file) atPathLocked() bool {
	there, err := os.Stat(f.path)
	if err != nil {
		return false
	}
	ours, err := f.open.Stat()
	return err == nil && os.SameFile(there, ours)
}

func (f *file) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	return f.open.Close()
}
