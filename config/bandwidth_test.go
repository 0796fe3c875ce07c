package config

import "testing"

func TestBandwidth(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "0B": 0, "1KiB": 1 << 10, "63.5KiB": 65024, "2 MiB": 2 << 20, "20MiB/s": 20 << 20, "1GiB": 1 << 30,
	} {
		c, err := Parse("agent.toml", []byte(destinationText+"bandwidth = "+show(text)+"\n[agent]\nbandwidth = "+show(text)))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if d := c.Destinations[0]; d.Bandwidth != want || c.Agent.Bandwidth != want {
			t.Errorf("%q: %d of the destination and %d of all, want %d", text, d.Bandwidth, c.Agent.Bandwidth, want)
		}
	}
}

func TestFaultsOfBandwidth(t *testing.T) {
	const hint = `: a number and a unit, for one second: "512KiB" or "20MiB"; "0" is no limit`
	checkBadFiles(t, []badFile{
		{"a number", destinationText + "bandwidth = 2097152\n[agent]\nbandwidth = 0", []string{
			`7: destination "acme": bandwidth is a whole number, not a size` + hint,
			`9: agent: bandwidth is a whole number, not a size: bandwidth = "0"`,
		}},
		{"other units", destinationText + "bandwidth = \"2Mbit\"\n[agent]\nbandwidth = \"20M\"", []string{
			`7: destination "acme": bandwidth = "2Mbit" is not a size` + hint,
			`9: agent: bandwidth = "20M" is not a size` + hint,
		}},
		{"too little", destinationText + `bandwidth = "512B"`, []string{`7: destination "acme": bandwidth = "512B" is less than 1KiB` + hint}},
		{"a word", destinationText + `bandwidth = "off"`, []string{`7: destination "acme": bandwidth = "off" is not a size` + hint}},
		{"where it does not belong", "version = 1\n[defaults]\nbandwidth = \"1MiB\"", []string{
			`3: defaults: unknown key "bandwidth": it belongs in [agent] or [[destination]]`,
		}},
	})
}
