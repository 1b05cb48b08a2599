package ledger

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
)

// A spool is a file of batches that the store may not have yet. Whoever uses it holds a lock on it, which
// ends with the process.
type spool struct {
	file  *os.File
	size  int64 // of whole records; what is behind them is a write that failed
	read  int64 // where the first record begins that the store may not have
	dirty bool  // there may be something behind size
}

const spoolEnding = ".spool"

// createSpool makes the file of a new process.
func createSpool(folder string) (*spool, error) {
	for {
		file, err := os.OpenFile(filepath.Join(folder, rand.Text()+spoolEnding), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, err
		}
		s, err := claim(file)
		if err == nil && s != nil {
			err = syncFolder(folder)
		}
		if s != nil || err != nil {
			return s, err
		}
		// Another process has adopted it before it was locked, and removes it.
	}
}

// adoptSpool opens the file of a process that is no more; nil: it lives, or another has been faster.
func adoptSpool(path string) (*spool, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return claim(file)
}

// claim locks a file that is still where it was opened; nil: it is another's, or no more.
func claim(file *os.File) (*spool, error) {
	locked, err := lock(file)
	if err == nil && locked {
		var info os.FileInfo
		if info, err = file.Stat(); err == nil && isAt(file.Name(), info) {
			return &spool{file: file, size: info.Size()}, nil
		}
	}
	_ = file.Close() // nothing was written
	return nil, err
}

// isAt reports whether a file is at a path: one that was locked late may have been removed before.
func isAt(path string, file os.FileInfo) bool {
	now, err := os.Stat(path)
	return err == nil && os.SameFile(now, file)
}

// append adds a record and returns when it is on the disk. A record whose append failed may be there all
// the same.
func (s *spool) append(record []byte) error {
	if s.dirty {
		if err := s.file.Truncate(s.size); err != nil {
			return err
		}
	}
	s.dirty = true
	if _, err := s.file.WriteAt(record, s.size); err != nil {
		return err
	}
	if err := s.file.Sync(); err != nil {
		return err
	}
	s.size += int64(len(record))
	s.dirty = false
	return nil
}

// next reads the next batch that the store may not have, says where it ends, and passes over what is
// damaged before it; nil: there is none. It reads the same again until done is called.
func (s *spool) next() (b *Batch, end, damaged int64, err error) {
	b, begin, end, err := nextRecord(s.file, s.read, s.size)
	if err != nil {
		return nil, 0, 0, err
	}
	damaged = begin - s.read
	s.read = begin
	return b, end, damaged, nil
}

// done notes that the store has what is before end, and empties the file when that is all.
func (s *spool) done(end int64) error {
	if s.read = end; s.read < s.size || s.size == 0 && !s.dirty {
		return nil
	}
	if err := s.file.Truncate(0); err != nil {
		return err
	}
	s.read, s.size, s.dirty = 0, 0, false
	return nil
}

// backlog is how many bytes there are that the store may not have.
func (s *spool) backlog() int64 { return s.size - s.read }

// close leaves the file to the next process, or removes it when the store has everything.
func (s *spool) close() error {
	if s.backlog() > 0 {
		return s.file.Close()
	}
	return s.remove()
}

// remove removes the file while it is locked: nobody else adopts it.
func (s *spool) remove() error {
	return errors.Join(os.Remove(s.file.Name()), s.file.Close())
}

// syncFolder puts the name of a new file on the disk.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
