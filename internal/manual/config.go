package manual

import "strings"

// Config returns dropferry-agent.toml(5), which says what the example says.
func Config(example string, about About) string {
	p := newPage("dropferry-agent.toml", 5, about)
	p.section("NAME")
	p.line(`dropferry\-agent.toml \- what dropferry watches and where it delivers`)
	p.section("DESCRIPTION")
	p.line(`The configuration of \fBdropferry\fR(1), in TOML. \fBdropferry check\fR finds every mistake in it at once.`)
	for _, e := range Example(example) {
		switch says := strings.Join(e.Says, "\n"); {
		case e.Header != "":
			p.section(e.Header)
			if says != "" {
				p.text(says)
			}
		case e.Shown:
			p.term("# "+e.Key, says)
		case e.Key != "":
			p.term(e.Key, says)
		default:
			p.text(says)
		}
	}
	p.section("SEE ALSO")
	p.line(`\fBdropferry\fR(1)`)
	return p.String()
}
