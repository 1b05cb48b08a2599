package store

import "fmt"

// A dialect is what the SQL of the storefront says to one kind of database unlike to the other.
type dialect struct {
	filter string // the condition of a ProductFilter, whose parameters come first
	items  string // SELECT's column and table for the numbers in a JSON list, the first parameter
	holds  bool   // rows are held one by one; else the only writer holds everything
}

var (
	sqliteDialect   = &dialect{filter: filterSQL("instr"), items: `value FROM json_each($1)`}
	postgresDialect = &dialect{
		filter: filterSQL("strpos"),
		items:  `CAST(value AS BIGINT) FROM json_array_elements_text(CAST(CAST($1 AS TEXT) AS JSON))`,
		holds:  true,
	}
)

// filterSQL is one text for every filter, so that few statements are prepared: a catalogue is
// small, and its pages walk the index of their order. Letters are in lower case in the ASCII alone,
// as SQLite has it, and so is the parameter.
func filterSQL(position string) string {
	return fmt.Sprintf(`(CAST($1 AS TEXT) IS NULL OR %s(lower(name || ' ' || description), $1) > 0)
	AND (CAST($2 AS TEXT) IS NULL OR category = $2)
	AND (CAST($3 AS BIGINT) IS NULL OR price >= $3)
	AND (CAST($4 AS BIGINT) IS NULL OR price <= $4)
	AND (CAST($5 AS BOOLEAN) IS NULL OR (stock > 0) = $5)`, position)
}
