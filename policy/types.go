package policy

import (
	"slices"
	"strings"
)

// An object is what the directives say about one object type, together with those of every
// interface that it implements: whatever way a field is selected, in the end it is an object's.
type object struct {
	name       string
	identified bool // its objects have an id
	private    bool
	needs      []*need // of the type: every use of it has them
	fields     map[string]*Field
}

// A set is the object types that a selection may be about.
type set struct {
	key     string // equal for equal sets
	objects []*object
}

func newSet(objects []*object) set {
	slices.SortFunc(objects, func(a, b *object) int { return strings.Compare(a.name, b.name) })
	var key strings.Builder
	for _, o := range objects {
		key.WriteString(o.name)
		key.WriteByte(' ')
	}
	return set{key: key.String(), objects: objects}
}

// common are the needs that all of the types have.
func (s set) common() []*need {
	if len(s.objects) == 0 {
		return nil
	}
	var needs []*need
	for _, n := range s.objects[0].needs {
		if !slices.ContainsFunc(s.objects[1:], func(o *object) bool { return !slices.Contains(o.needs, n) }) {
			needs = append(needs, n)
		}
	}
	return needs
}

// possible are the object types that a value of a type can have.
func (s *Schema) possible(name string) set {
	return s.sets[name]
}

// narrow leaves those objects that a fragment on a type is about; no type leaves them all.
func (s *Schema) narrow(from set, condition string) set {
	if condition == "" {
		return from
	}
	to := s.possible(condition)
	if to.key == from.key {
		return from
	}
	var both []*object
	for _, o := range from.objects {
		if slices.Contains(to.objects, o) {
			both = append(both, o)
		}
	}
	return newSet(both)
}

func (s *Schema) compileSets() {
	for name, def := range s.ast.Types {
		if !def.IsCompositeType() {
			continue
		}
		var objects []*object
		for _, possible := range s.ast.GetPossibleTypes(def) {
			if o := s.objects[possible.Name]; o != nil { // interfaces that implement this one are listed too
				objects = append(objects, o)
			}
		}
		s.sets[name] = newSet(objects)
		for _, o := range s.sets[name].objects {
			if o.identified {
				s.identified[name] = append(s.identified[name], o.name)
			}
		}
	}
}
