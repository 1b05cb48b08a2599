package policy

import (
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// defaultListSize is how many elements a list counts for that no argument gives a size.
const defaultListSize = 20

// sizeArguments are the arguments by which clients say how long a list may be.
var sizeArguments = []string{"first", "last", "limit"}

// A fieldCost is what the schema says about the cost of one field.
type fieldCost struct {
	weight int64 // of selecting the field once
	stated bool  // by @cost, of the field or of an interface's
	of     string
	lists  int // how many lists are around the type that is named of
	sizes  ast.ArgumentDefinitionList
}

// compileCost reads the @cost of a field. Without it a field costs 1 where it gives an object, or a
// list of them, and nothing where it gives a scalar.
func compileCost(schema *ast.Schema, def *ast.Definition, field *ast.FieldDefinition) (fieldCost, error) {
	c := fieldCost{of: field.Type.Name()}
	for t := field.Type; t.Elem != nil; t = t.Elem {
		c.lists++
	}
	if of := schema.Types[c.of]; of != nil && of.IsCompositeType() {
		c.weight = 1
	}
	for _, arg := range field.Arguments {
		if of := schema.Types[arg.Type.NamedType]; slices.Contains(sizeArguments, arg.Name) && of != nil && of.Kind == ast.Scalar {
			c.sizes = append(c.sizes, arg)
		}
	}
	d := field.Directives.ForName("cost")
	if d == nil {
		return c, nil
	}
	weight, err := strconv.ParseInt(argument(d, "weight"), 10, 64)
	if err != nil || weight < 0 {
		return c, complain(d, def, field, "the weight is a whole number, 0 or more")
	}
	c.weight, c.stated = weight, true
	return c, nil
}

// inherit takes over the @cost of an interface's field, unless the object has its own: of several
// the largest.
func (c *fieldCost) inherit(own bool, of fieldCost) {
	if own || !of.stated {
		return
	}
	if !c.stated || of.weight > c.weight {
		c.weight, c.stated = of.weight, true
	}
}

// WithListSize is the schema with another number of elements for lists that no argument gives a
// size; without it they count for 20.
func (s *Schema) WithListSize(n int) *Schema {
	changed := *s
	changed.listSize = int64(n)
	return &changed
}

// Cost is what the operation costs with these variables, which are coerced; of a subscription, what
// one event costs. It is the sum of the weights of all fields that would be resolved, if every list
// were as long as it may be, and math.MaxInt64 where that is more. Where no variable says how long a
// list is, it does not allocate.
func (o *Operation) Cost(variables map[string]any) int64 { return o.cost.run(variables) }
