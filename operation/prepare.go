package operation

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/policy"
	"github.com/sluice-gateway/sluice/share"
)

// A Request is one operation as a client asked for it.
type Request struct {
	Viewer        *auth.Viewer // nil: anonymous
	Address       netip.Addr   // of the client; anonymous callers are counted by it
	Query         string
	DocumentID    string // names a trusted document instead of a query
	Transport     string // that it came by, for who counts: "websocket"
	Client        Client // that has sent it, as it says
	Trace         string // the W3C traceparent that it came with; or empty, or anything that a client has sent
	OperationName string
	Variables     map[string]any // numbers as json.Number
	Extensions    map[string]any
	LastEventID   string // where an event stream is to go on, as its client says; or empty
}

// A Client is what a client says that it is: any text.
type Client struct{ Name, Version string }

// Prepare parses, validates and authorises a request. Nothing is executed yet. It returns either
// an operation or the errors that refuse it, each with its code. It waits for nothing but a store of
// documents and one of rates, if there are such, which are quick or passed over.
func (e *Engine) Prepare(ctx context.Context, req Request) (*Operation, gqlerror.List) {
	req.Viewer = cmp.Or(req.Viewer, auth.Anonymous)
	errs := e.slow(ctx, req)
	var op *Operation
	if errs == nil {
		op, errs = e.prepare(ctx, req)
	}
	if errs != nil {
		e.noteLimit(errs, req.Viewer)
		e.noteRefusal(req, errs)
		e.traceRefusal(ctx, req, errs)
	}
	return op, errs
}

func (e *Engine) prepare(ctx context.Context, req Request) (*Operation, gqlerror.List) {
	if e.draining.Load() {
		return nil, refuse(CodeDraining, "this server is being restarted; try again")
	}
	if errs := e.options.Query.request(req); errs != nil {
		return nil, errs
	}
	doc, errs := e.document(ctx, req)
	if errs != nil {
		return nil, errs
	}
	return e.prepareDocument(ctx, doc, req)
}

// prepareDocument is prepare of a document that is known.
func (e *Engine) prepareDocument(ctx context.Context, doc *document, req Request) (*Operation, gqlerror.List) {
	def, errs := choose(doc.ast.Operations, req.OperationName)
	if errs != nil {
		return nil, errs
	}
	rules := doc.operations[def]
	if rules.Introspects && !e.options.Introspection {
		return nil, refuse(CodeIntrospection, "introspection is disabled on this server")
	}
	// Before the variables: what is wrong with them may tell of types that the viewer may not see.
	if errs := e.refusals(rules.Lacks(req.Viewer)); errs != nil {
		return nil, errs
	}
	variables, err := validator.VariableValues(e.schema.Schema(), def, req.Variables)
	if err != nil {
		return nil, e.variableError(err, req)
	}
	p := &prepared{doc: doc, def: def, policy: rules, variables: variables}
	query := e.newLiveQuery(p, req)
	cost := rules.Cost(variables)
	if errs := e.options.Query.cost(cost); errs != nil {
		return nil, errs
	}
	if errs := e.checkRules(ctx, rules, req.Viewer, variables); errs != nil {
		return nil, errs
	}
	if p.topics, errs = topics(p, req.Viewer); errs != nil {
		return nil, errs
	}
	if p.snapshot, errs = e.prepareSnapshot(ctx, p, req); errs != nil {
		return nil, errs
	}
	e.share(ctx, doc, req)
	return &Operation{
		resumption: e.newResumption(p, req),
		engine:     e, kind: def.Operation, viewer: req.Viewer, guard: newGuard(p), cost: cost,
		address: req.Address, tells: req.Extensions["budget"] == true, live: query, prepared: p,
		transport: req.Transport, client: req.Client, labels: doc.labels[def], trace: traceOf(req),
	}, nil
}

// document returns the parsed and validated document of a request, from the cache if it can.
func (e *Engine) document(ctx context.Context, req Request) (*document, gqlerror.List) {
	name, err := namingOf(req)
	text := req.Query
	var errs gqlerror.List
	switch {
	case err != nil:
		return nil, refuse(CodeBadRequest, "%v", err)
	case text != "":
		errs = e.checkSent(text, name)
	case name == naming{}:
		return nil, refuse(CodeBadRequest, "the request has no query")
	default:
		text, errs = e.named(ctx, name)
	}
	if errs != nil {
		return nil, errs
	}
	if doc := e.documents.get(text); doc != nil {
		return doc, nil
	}
	doc, errs := e.parse(text)
	if errs != nil {
		errs = brief(errs)
		if Code(errs) == CodeValidationFailed {
			e.conceal(errs, text)
		}
		return nil, errs
	}
	e.documents.add(doc)
	return doc, nil
}

// parse parses a document, holds it against the limits, validates it and reads the policy of its
// operations. What is cheap comes first: nothing hostile is looked at longer than needed.
func (e *Engine) parse(text string) (*document, gqlerror.List) {
	parsed, errs := e.syntax(text)
	if errs != nil {
		return nil, errs
	}
	if len(parsed.Operations) == 0 {
		return nil, refuse(CodeNoOperation, "the document has no operation")
	}
	if errs := e.options.Query.shape(parsed); errs != nil {
		return nil, errs
	}
	if errs := e.validate(parsed); errs != nil {
		return nil, errs
	}
	doc := newDocument(text, parsed)
	for _, def := range parsed.Operations {
		doc.operations[def] = e.policy.Operation(parsed, def)
		doc.labels[def] = labelsOf(def, doc.operations[def])
		if err := supported(def, doc.operations[def]); err != nil {
			return nil, gqlerror.List{err}
		}
		if errs := e.addSnapshot(doc, def); errs != nil {
			return nil, errs
		}
	}
	return doc, nil
}

// syntax parses a document that is not too large for that.
func (e *Engine) syntax(text string) (*ast.QueryDocument, gqlerror.List) {
	if errs := e.options.Query.text(text); errs != nil {
		return nil, errs
	}
	parsed, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, e.options.Query.Tokens)
	if err != nil {
		return nil, parseError(err)
	}
	return parsed, nil
}

// supported refuses what gqlparser lets pass: @defer, for which gqlgen would start a goroutine that
// nobody reads from, and (specification, section 5.2.4.1) a subscription that has not exactly one
// field under one response key, always.
func supported(def *ast.OperationDefinition, p *policy.Operation) *gqlerror.Error {
	switch {
	case p.Defers:
		return Errorf(CodeValidationFailed, "@defer is not supported; select the fields without it")
	case def.Operation != ast.Subscription:
		return nil
	case p.Roots != 1:
		return Errorf(CodeValidationFailed, "a subscription selects exactly one root field, this one %d", p.Roots)
	case p.Conditional:
		return Errorf(CodeValidationFailed, "@skip and @include cannot stand on the root field of a subscription")
	}
	return nil
}

// choose finds the operation to run: by its name, or the only one.
func choose(all ast.OperationList, name string) (*ast.OperationDefinition, gqlerror.List) {
	if name == "" && len(all) > 1 {
		return nil, refuse(CodeNoOperation, "the document has %d operations; say which by operationName", len(all))
	}
	for _, def := range all {
		if name == "" || def.Name == name {
			return def, nil
		}
	}
	return nil, refuse(CodeNoOperation, "the document has no operation named %s", strconv.Quote(cut(name)))
}

// cut shortens what a client sent before it stands in an error or a log line.
func cut(s string) string {
	if len(s) > 256 {
		return s[:256] + "…"
	}
	return s
}

func (e *Engine) variableError(err error, req Request) gqlerror.List {
	var g *gqlerror.Error
	if !errors.As(err, &g) {
		g = &gqlerror.Error{Message: err.Error()}
	}
	errs := brief(gqlerror.List{g})
	variables, _ := json.Marshal(req.Variables) // came as JSON
	e.conceal(errs, req.Query+string(variables))
	return withCode(errs, CodeBadUserInput)
}

// prepared is what an operation needs to start; it is let go once it has started.
type prepared struct {
	doc       *document
	def       *ast.OperationDefinition
	policy    *policy.Operation
	variables map[string]any
	topics    []string
	snapshot  *prepared // the query whose result stands before the events; nil: none
}

// context makes the operation context of one execution: of this document, operation and variables.
func (p *prepared) context(e *Engine) *graphql.OperationContext {
	return &graphql.OperationContext{
		RawQuery:             p.doc.text,
		Variables:            p.variables,
		OperationName:        p.def.Name,
		Doc:                  p.doc.ast,
		Operation:            p.def,
		DisableIntrospection: !e.options.Introspection,
		RecoverFunc:          e.presenter.recover,
		ResolverMiddleware:   func(ctx ctx, next graphql.Resolver) (any, error) { return next(ctx) },
		RootResolverMiddleware: func(ctx ctx, next graphql.RootResolver) graphql.Marshaler {
			return next(ctx)
		},
	}
}

// topics are the topics that feed a subscription with these variables, for this viewer.
func topics(p *prepared, viewer *auth.Viewer) ([]string, gqlerror.List) {
	template := p.policy.Field().Topic
	if p.def.Operation != ast.Subscription || template == nil {
		return nil, nil
	}
	args, err := policy.Arguments(p.policy.Root, p.variables)
	if err != nil {
		return nil, rootError(p, CodeBadUserInput, err.Error())
	}
	var missing bool
	names, err := template.Expand(func(name string) (any, bool) {
		if value, ok := policy.OfViewer(name, viewer); ok {
			missing = missing || value == ""
			return value, true
		}
		value, ok := args[name]
		return value, ok
	})
	switch {
	case missing:
		return nil, rootError(p, CodeUnauthenticated, "this subscription is for signed-in callers; send credentials")
	case err != nil:
		return nil, rootError(p, CodeBadUserInput, err.Error())
	}
	return names, nil
}

func rootError(p *prepared, code, message string) gqlerror.List {
	err := Errorf(code, "%s", message)
	err.Path = ast.Path{ast.PathName(p.policy.Root.Alias)}
	return gqlerror.List{err}
}

// key names the group that the operation may share: everything its result depends on, each part
// with its length in front, so that no two different lists of parts are equal. What a client says
// in extensions or headers is no part of it.
func (p *prepared) key(e *Engine, viewer *auth.Viewer, more ...[]byte) (share.Key, error) {
	depends := p.variables
	if wished := p.policy.Wished(); len(wished) > 0 {
		depends = maps.Clone(depends)
		maps.DeleteFunc(depends, func(name string, _ any) bool { return slices.Contains(wished, name) })
	}
	variables, err := json.Marshal(depends) // sorts the keys of every object
	if err != nil {
		return share.Key{}, err
	}
	partition := ""
	if p.policy.Private {
		partition = viewer.Identity()
		if partition == "" { // an anonymous caller's results are shared with nobody
			partition = "alone:" + strconv.FormatUint(e.alone.Add(1), 10)
		}
	}
	h := sha256.New()
	h.Write(p.policy.Hash[:])
	for _, part := range append([][]byte{variables, []byte(partition)}, more...) {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write(part)
	}
	var key share.Key
	h.Sum(key[:0])
	return key, nil
}

// spec is what the group of this operation executes.
func (p *prepared) spec(op *Operation, key share.Key, viewer *auth.Viewer) share.Spec {
	e := op.engine
	s := share.Spec{
		Key:     key,
		Context: func() *graphql.OperationContext { return p.context(e) },
		Topics:  p.topics,
		Root:    share.Root{Key: p.policy.Root.Alias, NonNull: p.policy.Root.Definition.Type.NonNull},
	}
	if p.policy.Private {
		s.Viewer = viewer
	}
	if op.keeps() {
		s.Cursor = op.resumption.place(e.options.Cursors)
	}
	return s
}
