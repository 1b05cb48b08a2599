package ledger

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A record of a spool is a batch: a mark, the length of the JSON behind it, its checksum, the JSON. What
// was torn or has rotted is found out by the checksum, and left out up to the next record's mark.
const (
	mark          = "\x89SLU"
	headSize      = len(mark) + 8
	largestRecord = 16 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func encode(b *Batch) ([]byte, error) {
	text, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	if len(text) > largestRecord { // 500 entries of four names with 512 bytes, each as \u00XX: 7 MiB
		return nil, fmt.Errorf("ledger: a batch of %d bytes", len(text))
	}
	record := make([]byte, 0, headSize+len(text))
	record = append(record, mark...)
	record = binary.LittleEndian.AppendUint32(record, uint32(len(text)))
	record = binary.LittleEndian.AppendUint32(record, crc32.Checksum(text, castagnoli))
	return append(record, text...), nil
}

// nextRecord reads the first batch of a file's part [at, size), and says where it begins and ends: what is
// before it is no record. The batch is nil when there is none; the error is the file's alone.
func nextRecord(file io.ReaderAt, at, size int64) (b *Batch, begin, end int64, err error) {
	for begin = at; ; begin++ {
		begin, err = findMark(file, begin, size)
		if err != nil || begin == size {
			return nil, begin, begin, err
		}
		b, end, err = readRecord(file, begin, size)
		if b != nil || err != nil {
			return b, begin, end, err
		}
	}
}

// readRecord reads the record at a mark; nil: it is none.
func readRecord(file io.ReaderAt, at, size int64) (*Batch, int64, error) {
	var head [headSize]byte
	if size-at < int64(headSize) {
		return nil, at, nil
	}
	if err := readFull(file, head[:], at); err != nil {
		return nil, at, err
	}
	length := int64(binary.LittleEndian.Uint32(head[len(mark):]))
	end := at + int64(headSize) + length
	if length > largestRecord || end > size {
		return nil, at, nil
	}
	text := make([]byte, length)
	if err := readFull(file, text, at+int64(headSize)); err != nil {
		return nil, at, err
	}
	if crc32.Checksum(text, castagnoli) != binary.LittleEndian.Uint32(head[len(mark)+4:]) {
		return nil, at, nil
	}
	if b := parse(text); b != nil {
		return b, end, nil
	}
	return nil, at, nil
}

// parse reads a batch; nil: it is none.
func parse(text []byte) *Batch {
	b := new(Batch)
	if err := json.Unmarshal(text, b); err != nil || b.ID == "" {
		return nil
	}
	return b
}

// findMark is where the next mark is; size: there is none.
func findMark(file io.ReaderAt, at, size int64) (int64, error) {
	buffer := make([]byte, len(mark)) // where a record should be, it mostly is
	for size-at >= int64(len(mark)) {
		part := buffer[:min(int64(len(buffer)), size-at)]
		if err := readFull(file, part, at); err != nil {
			return at, err
		}
		if i := bytes.Index(part, []byte(mark)); i >= 0 {
			return at + int64(i), nil
		}
		at += int64(len(part) - len(mark) + 1) // a mark may lie across
		if len(buffer) == len(mark) {
			buffer = make([]byte, 64<<10)
		}
	}
	return size, nil
}

// readFull reads a part that the file has.
func readFull(file io.ReaderAt, part []byte, at int64) error {
	n, err := file.ReadAt(part, at)
	if n == len(part) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
