package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
)

func sample() []Panel {
	return []Panel{
		{"200 x 1 MiB, loopback", []Bar{
			{Label: "dropferry <once>", Kind: Own, Value: 1, Text: "1.00"},
			{Label: "scp", Kind: Peer, Value: 60, Open: true, Text: "> 60"},
			{Label: "cat", Kind: Limit, Value: 30, Text: "30.0"},
			{Label: "lftp", Kind: Peer, Value: -1, Text: "failed"},
		}},
		{"second", []Bar{{Label: "one", Kind: Own, Value: 0, Text: "0"}}},
		{"third", nil},
	}
}

type element struct {
	name, class, text   string
	x, y, width, height float64
}

// elements reads the drawing as XML.
func elements(t *testing.T, svg string) []element {
	t.Helper()
	var all []element
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := element{name: token.Name.Local}
			for _, a := range token.Attr {
				n, _ := strconv.ParseFloat(a.Value, 64)
				switch a.Name.Local {
				case "class":
					e.class = a.Value
				case "x":
					e.x = n
				case "y":
					e.y = n
				case "width":
					e.width = n
				case "height":
					e.height = n
				}
			}
			all = append(all, e)
		case xml.CharData:
			if len(all) > 0 {
				all[len(all)-1].text += strings.TrimSpace(string(token))
			}
		}
	}
}

func TestSVG(t *testing.T) {
	svg := SVG("Times & more", "seconds", sample())
	var svgHeight, svgWidth float64
	var texts []string
	bars := map[string]element{}
	open := 0
	for _, e := range elements(t, svg) {
		switch {
		case e.name == "svg":
			svgHeight, svgWidth = e.height, e.width
		case e.name == "rect" && e.class != "ground":
			bars[e.class+strconv.Itoa(len(bars))] = e
		case e.name == "polygon":
			open++
		case e.name == "text":
			texts = append(texts, e.text)
		}
		if e.y+e.height > svgHeight || e.x+e.width > svgWidth {
			t.Errorf("%+v is outside of the drawing, %v x %v", e, svgWidth, svgHeight)
		}
	}
	if len(bars) != 3 || open != 2 {
		t.Errorf("bars %+v of 3 with a length, %d signs of open ends", bars, open)
	}
	own, peer, limit := bars["own0"], bars["peer1"], bars["limit2"]
	if own.width < least || peer.width < 50*own.width || limit.width*2 != peer.width {
		t.Errorf("lengths %v, %v, %v of 1, 60 and 30", own.width, peer.width, limit.width)
	}
	all := strings.Join(texts, "|")
	for _, want := range []string{"Times & more", "dropferry <once>", "> 60", "failed", "third"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in %s", want, all)
		}
	}
	if !strings.Contains(svg, "prefers-color-scheme: dark") {
		t.Error("a dark page is not thought of")
	}
	if svg != SVG("Times & more", "seconds", sample()) {
		t.Error("the same input draws something else")
	}
}
