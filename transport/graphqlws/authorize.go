package graphqlws

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

func (s *session) init(payload json.RawMessage) {
	s.mu.Lock()
	again := s.inited
	s.inited = true
	s.mu.Unlock()
	if again {
		s.End(operation.TooManyInits)
		return
	}
	s.running.Go(func() { s.authenticate(payload) })
}

// authenticate learns who is calling and acknowledges. Nothing executes before.
func (s *session) authenticate(payload json.RawMessage) {
	s.mu.Lock()
	credentials := s.credentials
	s.mu.Unlock()
	if credentials.Token == "" && payload != nil {
		var members map[string]any
		if json.Unmarshal(payload, &members) == nil {
			credentials.Token = transport.InitToken(members)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.server.options.InitTimeout)
	defer cancel()
	viewer, err := s.server.reader.Authenticate(ctx, credentials)
	switch {
	case errors.Is(err, auth.ErrBadCredentials):
		s.End(operation.BadCredentials)
		return
	case err != nil:
		s.End(operation.TryAgain)
		return
	}
	if s.place.Claim(viewer, credentials.Address) != nil {
		s.End(operation.TooManySessions)
		return
	}
	grant := s.server.sessions.Grants().Open(viewer, s)
	s.mu.Lock()
	s.grant = grant
	s.credentials.Token = ""
	s.timer.Reset(jitter(s.server.options.PingInterval))
	s.mu.Unlock()
	s.reply(ackFrame)
}

// Changed implements auth.Holder: the operations that run go by the viewer's new rights.
func (s *session) Changed(v *auth.Viewer) {
	s.mu.Lock()
	ops := running(s.streams)
	s.mu.Unlock()
	for _, op := range ops {
		op.Reauthorize(v)
	}
}

// Ended implements auth.Holder: every operation is told why, then the session is closed.
func (s *session) Ended(why error) {
	ending := operation.CredentialsEnded(why)
	s.mu.Lock()
	s.leaving = true
	streams := append([]*stream(nil), s.streams...)
	ops := running(streams)
	s.mu.Unlock()
	for _, st := range streams {
		st.End(ending.Errors())
	}
	for _, op := range ops {
		op.Stop()
	}
	s.End(ending)
}

// ping answers a ping, at once unless it brings fresh credentials. Those are not sent back.
func (s *session) ping(payload json.RawMessage) {
	token, brought := renewal(payload)
	if !brought {
		s.reply(pongFrame(payload))
		return
	}
	s.mu.Lock()
	grant, busy := s.grant, s.renewing
	credentials := s.credentials
	s.renewing = busy || grant != nil
	s.mu.Unlock()
	switch {
	case grant == nil:
		s.renewed(operation.CodeBadRequest, "send connection_init first")
	case busy:
		s.renewed(operation.CodeBadRequest, "a renewal is under way")
	default:
		credentials.Token = token
		s.running.Go(func() { s.renew(grant, credentials) })
	}
}

// renew replaces the credentials of the session, or leaves everything as it is.
func (s *session) renew(grant *auth.Grant, credentials auth.Credentials) {
	ctx, cancel := context.WithTimeout(context.Background(), s.server.options.InitTimeout)
	defer cancel()
	err := auth.ErrBadCredentials
	if credentials.Token != "" { // a certificate alone is nothing fresh
		err = grant.Renew(ctx, credentials)
	}
	s.mu.Lock()
	s.renewing = false
	s.mu.Unlock()
	switch {
	case err == nil:
		s.renewed("", "")
	case errors.Is(err, auth.ErrOtherViewer):
		s.renewed(operation.CodeUnauthenticated, "these are the credentials of another viewer; open another connection for it")
	case errors.Is(err, auth.ErrBadCredentials):
		s.renewed(operation.CodeUnauthenticated, transport.BadCredentials)
	default:
		s.server.trouble.Warn(s.server.options.Log, "fresh credentials cannot be checked", "error", err)
		s.renewed(operation.CodeInternal, transport.CannotBeChecked)
	}
}

// renewed answers a ping that brought credentials: what was wrong with them, nothing if they count.
func (s *session) renewed(code, message string) {
	answer, _ := json.Marshal(struct {
		Authorized bool   `json:"authorized"`
		Code       string `json:"code,omitempty"`
		Message    string `json:"message,omitempty"`
	}{code == "", code, message})
	s.reply(pongFrame(answer))
}

// renewal is the token that the payload of a ping brings. It is empty where there should be one.
func renewal(payload json.RawMessage) (token string, brought bool) {
	if payload == nil {
		return "", false
	}
	var members struct {
		Authorization json.RawMessage // in upper or lower case
	}
	if json.Unmarshal(payload, &members) != nil || members.Authorization == nil {
		return "", false
	}
	var text string
	_ = json.Unmarshal(members.Authorization, &text) // anything but a string is no token
	return transport.Bearer(text), true
}
