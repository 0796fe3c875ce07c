//go:build nextschema

package state

// A program with this tag has a schema that no release has yet: tests upgrade to it, and back.
func init() {
	schema = append(schema, "CREATE TABLE of_the_next_schema (x TEXT)")
}
