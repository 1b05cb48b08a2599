package faults

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// An answer is what Redis says: a text, or a list of answers.
type answer struct {
	text string
	list []answer
}

// texts are the texts of a list.
func (a answer) texts() []string {
	all := make([]string, len(a.list))
	for i, one := range a.list {
		all[i] = one.text
	}
	return all
}

// ask sends one command on a connection of its own.
func ask(addr string, words ...string) (answer, error) {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	var request strings.Builder
	fmt.Fprintf(&request, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&request, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := io.WriteString(conn, request.String()); err != nil {
		return answer{}, err
	}
	a, err := readAnswer(bufio.NewReader(conn))
	if err != nil {
		return answer{}, fmt.Errorf("redis: %s: %w", words[0], err)
	}
	return a, nil
}

func readAnswer(r *bufio.Reader) (a answer, err error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return a, err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return a, fmt.Errorf("an empty line")
	}
	kind, rest := line[0], line[1:]
	switch kind {
	case '+', ':':
		return answer{text: rest}, nil
	case '-':
		return a, fmt.Errorf("%s", rest)
	}
	n, err := strconv.Atoi(rest)
	if err != nil || n < 0 {
		return a, err
	}
	if kind == '$' {
		text := make([]byte, n+2)
		_, err := io.ReadFull(r, text)
		return answer{text: string(text[:n])}, err
	}
	a.list = make([]answer, n)
	for i := range a.list {
		if a.list[i], err = readAnswer(r); err != nil {
			return a, err
		}
	}
	return a, nil
}
