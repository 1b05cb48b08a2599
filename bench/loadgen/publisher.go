package main

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"
)

// A publisher writes PUBLISH commands to Redis on one connection, with replies switched off so that
// nothing has to be read. It is not safe for concurrent use.
type publisher struct {
	conn    net.Conn
	queued  []byte
	payload []byte
	padding []byte
}

func newPublisher(redisURL string, padding int) (*publisher, error) {
	u, err := url.Parse(redisURL)
	if err != nil {
		return nil, err
	}
	conn, err := net.DialTimeout("tcp", u.Host, 2*time.Second)
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	if _, err := conn.Write([]byte("CLIENT REPLY OFF\r\n")); err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	p := &publisher{conn: conn}
	for range padding {
		p.padding = append(p.padding, '.')
	}
	return p, nil
}

// event queues one price change for a product, stamped with the time.
func (p *publisher) event(product string, revision int64) {
	b := append(p.payload[:0], `{"productId":"`...)
	b = append(b, product...)
	b = append(b, `","price":"12.34","previousPrice":"12.05","currency":"EUR","revision":`...)
	b = strconv.AppendInt(b, revision, 10)
	b = append(b, `,"note":"t`...)
	b = strconv.AppendInt(b, time.Now().UnixNano(), 10)
	b = append(b, p.padding...)
	b = append(b, `","changedAt":"2026-08-01T12:00:00Z"}`...)
	p.payload = b

	q := append(p.queued, "*3\r\n$7\r\nPUBLISH\r\n$"...)
	q = strconv.AppendInt(q, int64(len("price.")+len(product)), 10)
	q = append(q, "\r\nprice."...)
	q = append(q, product...)
	q = append(q, "\r\n$"...)
	q = strconv.AppendInt(q, int64(len(b)), 10)
	q = append(q, "\r\n"...)
	q = append(q, b...)
	p.queued = append(q, "\r\n"...)
}

// flush hands everything queued to the kernel. Redis always reads, so it does not block for long.
func (p *publisher) flush() error {
	if len(p.queued) == 0 {
		return nil
	}
	_, err := p.conn.Write(p.queued)
	p.queued = p.queued[:0]
	if err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	return nil
}
