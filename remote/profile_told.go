package remote

import (
	"fmt"
	"slices"
)

// chosen returns findings with what the server's profile makes of them: the profile first, and each of its choices with its
// reason.
func (c Capabilities) chosen(findings []Finding) []Finding {
	p := profileNamed(c.Profile)
	told := []Finding{p.finding(c.ProfileBy)}
	for _, f := range findings {
		if i := slices.IndexFunc(p.choices, func(choice choice) bool { return string(choice.about) == f.Name }); i >= 0 {
			f = p.choices[i].finding(p.name)
		}
		told = append(told, f)
	}
	for _, choice := range p.choices {
		if !slices.ContainsFunc(findings, func(f Finding) bool { return f.Name == string(choice.about) }) {
			told = append(told, choice.finding(p.name))
		}
	}
	return told
}

// finding says which profile it is, by what, and whether it was ever tried.
func (p *profile) finding(by string) Finding {
	f := Finding{Name: "profile", OK: true}
	switch {
	case p.name == "":
		f.Text = "none is known for this server: what it was seen to do decides"
		return f
	case p.tried:
		f.Text = fmt.Sprintf("%s, by %s: tried with the real %s", p.name, by, p.product)
	case len(p.banner) == 0:
		f.Text = fmt.Sprintf("%s, by %s: for %s", p.name, by, p.product)
	default:
		f.Text = fmt.Sprintf("%s, by %s: from documentation, never tried with the real %s", p.name, by, p.product)
	}
	return f
}

func (c choice) finding(profile string) Finding {
	text := "not asked for"
	switch {
	case c.most > 0 && c.about == aboutWrites:
		text = fmt.Sprintf("writes of %d KiB at most", c.most)
	case c.about == aboutWindow:
		text = fmt.Sprintf("%d KiB are under way on a channel at most", c.most)
	case c.most > 0:
		text = fmt.Sprintf("at most %d at once", c.most)
	case c.about == aboutStripes:
		text = "not used"
	}
	return Finding{Name: string(c.about), Text: fmt.Sprintf("%s (profile %s): %s", text, profile, c.why)}
}
