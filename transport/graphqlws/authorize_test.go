package graphqlws_test

import (
	"testing"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/transport/graphqlws"
)

func TestOneRenewalAtATime(t *testing.T) {
	n := newNode(t, graphqlws.Options{}, false)
	ws := n.dial(nil, graphqlws.Subprotocol)
	n.send(ws, `{"type":"connection_init","payload":{"token":"`+aliceKey+`"}}`)
	n.want(ws, `{"type":"connection_ack"}`)
	begun, goOn := make(chan struct{}), make(chan struct{})
	n.viewers.Before = func(auth.Credentials) { close(begun); <-goOn }
	renew := `{"type":"ping","payload":{"authorization":"` + aliceKey + `"}}`
	n.send(ws, renew)
	<-begun
	n.send(ws, renew)
	n.want(ws, `{"type":"pong","payload":{"authorized":false,"code":"BAD_REQUEST","message":"a renewal is under way"}}`)
	n.send(ws, `{"type":"ping"}`) // does not wait for it
	n.want(ws, `{"type":"pong"}`)
	close(goOn)
	n.want(ws, `{"type":"pong","payload":{"authorized":true}}`)
}

func TestARevocationIsCountedOnce(t *testing.T) {
	n := newNode(t, graphqlws.Options{}, false)
	ws := n.dial(nil, graphqlws.Subprotocol)
	n.send(ws, `{"type":"connection_init","payload":{"token":"`+aliceKey+`"}}`)
	n.want(ws, `{"type":"connection_ack"}`)
	n.viewers.Set(aliceKey, nil)
	for range 2 {
		if err := n.sessions.Grants().RecheckAll(t.Context()); err != nil {
			t.Error(err)
		}
	}
	n.want(ws, "close 4403 Forbidden: key revoked")
	_ = ws.Close()
	eventually(t, "the session is gone", func() bool { return n.sessions.Len() == 0 })
	if got, left := n.sessions.Endings()["KEY_REVOKED"], n.sessions.Grants().Len(); got != 1 || left != 0 {
		t.Errorf("%d endings are counted and %d grants are left", got, left)
	}
}
