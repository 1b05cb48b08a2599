package vault

// Ways lead to what is guarded, for each family of types.
type Ways struct {
	Files *FileWays
	Safes *SafeWays
	Boxes *BoxWays
}

// FileWays are the ways to a File.
type FileWays struct {
	One    *File
	Face   FileFace
	Any    FileFace
	Many   []*File
	Table  [][]FileFace
	Within *FileWays
}

// SafeWays are the ways to a Safe.
type SafeWays struct {
	One    *Safe
	Face   SafeFace
	Any    SafeFace
	Many   []*Safe
	Table  [][]SafeFace
	Within *SafeWays
}

// BoxWays are the ways to a Box.
type BoxWays struct {
	One    *Box
	Face   BoxFace
	Any    BoxFace
	Many   []*Box
	Table  [][]BoxFace
	Within *BoxWays
}

func newWays(n note) *Ways {
	file, safe, box := &File{n}, &Safe{n}, &Box{n}
	w := &Ways{
		Files: &FileWays{One: file, Face: file, Any: file, Many: []*File{file}, Table: [][]FileFace{{file}}},
		Safes: &SafeWays{One: safe, Face: safe, Any: safe, Many: []*Safe{safe}, Table: [][]SafeFace{{safe}}},
		Boxes: &BoxWays{One: box, Face: box, Any: box, Many: []*Box{box}, Table: [][]BoxFace{{box}}},
	}
	w.Files.Within, w.Safes.Within, w.Boxes.Within = w.Files, w.Safes, w.Boxes
	return w
}

// The objects.
type (
	// A File has guarded fields.
	File struct{ note }
	// A Safe is guarded as a whole.
	Safe struct{ note }
	// A Box is guarded by its interface.
	Box struct{ note }
	// An Other holds nothing.
	Other struct{ Content string }
)

// The interfaces and unions.
type (
	// A FileFace is a File, or in a union an Other.
	FileFace interface{ isFile() }
	// A SafeFace is a Safe or an Other.
	SafeFace interface{ isSafe() }
	// A BoxFace is a Box, or in a union an Other.
	BoxFace interface{ isBox() }
)

func (*File) isFile() {}
func (*Safe) isSafe() {}
func (*Box) isBox()   {}
func (Other) isFile() {}
func (Other) isSafe() {}
func (Other) isBox()  {}
