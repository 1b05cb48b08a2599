package gateway_test

import (
	"fmt"
	"strings"

	"github.com/sluice-gateway/sluice/internal/vault"
	"github.com/sluice-gateway/sluice/operation"
)

// A lock is a directive that guards something, and where it stands: on a root field, or on what is
// reached through a public one.
type lock struct {
	name   string
	root   string // the root field
	family string // of types, by the field that leads to them
	leaf   string // the field that shows the canary
	within bool   // it stands behind the root field

	// What each viewer without the right is told, nothing where the directive lets it pass; and what
	// ends the subscription of one who loses it.
	nobody, stranger, ends string
	revoked                bool // it is lost with the key
	private                bool // it tells viewers apart
}

// locks are every directive, in every place where it may stand.
var locks = []lock{
	{
		name: "no directive on a root field", root: "unmarked", family: "files", leaf: "plain",
		nobody: operation.CodeUnauthenticated, ends: operation.KeyRevoked.Code, revoked: true,
	},
	{
		name: "@public on a root field", root: "open", family: "files", leaf: "plain",
	},
	{
		name: "@auth on a root field", root: "known", family: "files", leaf: "plain",
		nobody: operation.CodeUnauthenticated, ends: operation.KeyRevoked.Code, revoked: true,
	},
	{
		name: "@auth(scopes) on a root field", root: "scoped", family: "files", leaf: "plain",
		nobody: operation.CodeUnauthenticated, stranger: operation.CodeForbidden, ends: operation.CodeForbidden,
	},
	{
		name: "@auth(rule) over the viewer on a root field", root: "claimed", family: "files", leaf: "plain",
		nobody: operation.CodeUnauthenticated, stranger: operation.CodeForbidden, ends: operation.CodeForbidden,
	},
	{
		name: "@auth(rule) over arguments on a root field", root: "owned", family: "files", leaf: "plain",
		nobody: operation.CodeUnauthenticated, stranger: operation.CodeForbidden, ends: operation.CodeForbidden,
	},
	{
		name: "@private on a root field", root: "mine", family: "files", leaf: "whose", private: true,
		nobody: operation.CodeUnauthenticated, ends: operation.CodeViewerChanged,
	},
	{
		name: "@auth on a field", root: "open", family: "files", leaf: "known", within: true,
		nobody: operation.CodeUnauthenticated, ends: operation.KeyRevoked.Code, revoked: true,
	},
	{
		name: "@auth(scopes) on a field", root: "open", family: "files", leaf: "scoped", within: true,
		nobody: operation.CodeUnauthenticated, stranger: operation.CodeForbidden, ends: operation.CodeForbidden,
	},
	{
		name: "@auth(rule) over the viewer on a field", root: "open", family: "files", leaf: "claimed", within: true,
		nobody: operation.CodeUnauthenticated, stranger: operation.CodeForbidden, ends: operation.CodeForbidden,
	},
	{
		name: "@auth(rule) over arguments on a field", root: "open", family: "files", leaf: "owned", within: true,
		nobody: operation.CodeUnauthenticated, stranger: operation.CodeForbidden, ends: operation.CodeForbidden,
	},
	{
		name: "@auth on a type", root: "open", family: "safes", leaf: "content", within: true,
		nobody: operation.CodeUnauthenticated, stranger: operation.CodeForbidden, ends: operation.CodeForbidden,
	},
	{
		name: "@auth on an interface", root: "open", family: "boxes", leaf: "content", within: true,
		nobody: operation.CodeUnauthenticated, stranger: operation.CodeForbidden, ends: operation.CodeForbidden,
	},
	{
		name: "@auth on a field of an interface", root: "open", family: "files", leaf: "walled", within: true,
		nobody: operation.CodeUnauthenticated, stranger: operation.CodeForbidden, ends: operation.CodeForbidden,
	},
	{
		name: "@private on a field", root: "open", family: "files", leaf: "mine", within: true, private: true,
		ends: operation.CodeViewerChanged,
	},
}

// guarded is the field that the directive guards.
func (l lock) guarded() string {
	if l.within {
		return l.leaf
	}
	return l.root
}

// canary is what a viewer who may finds, in the event with a word.
func (l lock) canary(subject, word string) string {
	if l.private {
		return vault.Of(subject) + word
	}
	return vault.In(l.leaf) + word
}

// A shape is a way through the type graph to what is guarded, and how the document asks for it.
type shape struct {
	name  string
	way   string // through the types of a family: %s is the object
	on    string // the type that the way leads to: %s is the object
	asked func(field, on string) (selection, fragments string)
	key   string // the response key; empty: the field's name
}

// shapes are every way, and every means of a document.
var shapes = []shape{
	{name: "an object", way: "one { # }", on: "%s", asked: plainly},
	{name: "an interface", way: "face { # }", on: "%sFace", asked: plainly},
	{name: "a union", way: "any { ... on %s { # } }", on: "%s", asked: plainly},
	{name: "an object in an object", way: "within { one { # } }", on: "%s", asked: plainly},
	{name: "a list", way: "many { # }", on: "%s", asked: plainly},
	{name: "lists of an interface in lists", way: "table { # }", on: "%sFace", asked: plainly},
	{name: "an inline fragment", way: "one { # }", on: "%s", asked: inline},
	{name: "an inline fragment without a type", way: "face { # }", on: "%sFace", asked: untyped},
	{name: "a named fragment", way: "one { # }", on: "%s", asked: named},
	{name: "a fragment on the interface of an object", way: "many { ... on %sFace { # } }", on: "%sFace", asked: named},
	{name: "fragments in a fragment", way: "any { ... on %s { # } }", on: "%s", asked: nested},
	{name: "an alias", way: "one { # }", on: "%s", asked: plainly, key: "asked"},
	{name: "an alias in a fragment", way: "table { ... on %s { # } }", on: "%s", asked: nested, key: "asked"},
}

func plainly(field, _ string) (string, string) { return field, "" }
func inline(field, on string) (string, string) { return "... on " + on + " { " + field + " }", "" }
func untyped(field, _ string) (string, string) { return "... { " + field + " }", "" }

func named(field, on string) (string, string) {
	return "...First", " fragment First on " + on + " { " + field + " }"
}

func nested(field, on string) (string, string) {
	return "...First", " fragment First on " + on + " { ... on " + on + " { ...Second } }" +
		" fragment Second on " + on + " { ... { " + field + " } }"
}

// objects are the object types of the families.
var objects = map[string]string{"files": "File", "safes": "Safe", "boxes": "Box"}

// A kind of operation: what is asked of a subscription is its first event, and a later one, when the
// right is lost.
type kind string

const (
	query        kind = "query"
	mutation     kind = "mutation"
	subscription kind = "subscription"
	later        kind = "later event of a subscription"
)

// kinds says which operations each transport has.
var kinds = map[wire][]kind{
	byPost:      {query, mutation},
	byGet:       {query},
	bySocket:    {query, mutation, subscription, later},
	byStream:    {query, mutation, subscription, later},
	byStreamGet: {query, subscription, later},
	byOneStream: {query, mutation, subscription, later},
	byMultipart: {subscription, later},
}

// A cell of the matrix.
type cell struct {
	lock  lock
	shape shape
	kind  kind
	over  wire
}

func (c cell) String() string {
	return fmt.Sprintf("%s, reached by %s, as a %s over %s", c.lock.name, c.shape.name, c.kind, c.over)
}

// cellsOf are the cells of a lock, a shape and a kind: one for each transport that has the kind.
func cellsOf(l lock, s shape, k kind) []cell {
	var cells []cell
	for _, over := range wires {
		for _, has := range kinds[over] {
			if has == k {
				cells = append(cells, cell{l, s, k, over})
			}
		}
	}
	return cells
}

// key is the response key of what is guarded.
func (c cell) key() string {
	if c.shape.key != "" {
		return c.shape.key
	}
	return c.lock.guarded()
}

// document asks for what the cell guards.
func (c cell) document() string {
	object := objects[c.lock.family]
	leaf, root, fragments := c.lock.leaf, c.lock.root+c.arguments(), ""
	if leaf == "owned" {
		leaf += `(owner: "vault")`
	}
	if c.lock.within {
		leaf, fragments = c.asked(leaf, strings.ReplaceAll(c.shape.on, "%s", object))
	}
	way := strings.ReplaceAll(c.shape.way, "%s", object)
	root += " { " + c.lock.family + " { " + strings.Replace(way, "#", leaf, 1) + " } }"
	if !c.lock.within {
		root, fragments = c.asked(root, strings.ToUpper(c.operation()[:1])+c.operation()[1:])
	}
	return c.operation() + c.variables() + " { " + root + " }" + fragments
}

// asked selects the guarded field, of a type, as the shape has it.
func (c cell) asked(field, on string) (selection, fragments string) {
	if c.shape.key != "" {
		field = c.shape.key + ": " + field
	}
	return c.shape.asked(field, on)
}

func (c cell) operation() string {
	if c.kind == later {
		return string(subscription)
	}
	return string(c.kind)
}

// variables are those that the document declares, and arguments where the root field has them.
func (c cell) variables() string { return c.list("$cell: ID!", "$owner: ID!") }
func (c cell) arguments() string { return c.list("cell: $cell", "owner: $owner") }

func (c cell) list(topic, owner string) string {
	var list []string
	if c.operation() == string(subscription) {
		list = append(list, topic)
	}
	if c.lock.root == "owned" {
		list = append(list, owner)
	}
	if list == nil {
		return ""
	}
	return "(" + strings.Join(list, ", ") + ")"
}
