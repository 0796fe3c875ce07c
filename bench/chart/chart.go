// Package chart draws bars as SVG: panels of horizontal bars, each panel with its own scale. What it draws can be read on a
// light and on a dark page, needs no script and no font of its own, and is the same for the same input.
package chart

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// Kind decides how a bar looks.
type Kind string

// Kinds of bars.
const (
	Own   Kind = "own"   // stands out
	Peer  Kind = "peer"  // does not
	Limit Kind = "limit" // an outline alone: nothing that could be had
)

// Bar is one bar.
type Bar struct {
	Label string
	Kind  Kind
	Value float64 // its length; below 0 there is none
	Open  bool    // it is longer than that by nobody knows how much
	Text  string  // beside it
}

// Panel is a group of bars that are compared.
type Panel struct {
	Title string
	Bars  []Bar
}

// Sizes in pixels. A panel has its labels on the left, and texts to the right of the bars.
const (
	width     = 880
	columns   = 2
	gap       = 24
	margin    = 20
	head      = 64 // title and subtitle
	titleRoom = 30
	row       = 19
	thick     = 13
	labelRoom = 108
	textRoom  = 52
	least     = 1.5 // of a bar, to be seen at all
)

// The colours follow the page's, and the ground is drawn too: so the text can be read where the two disagree.
const style = `
  .ground { fill: #ffffff; stroke: #d1d9e0 }
  text { fill: #1f2328; font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif }
  .head { font-size: 16px; font-weight: 600 }
  .title { font-size: 13px; font-weight: 600 }
  .quiet { fill: #59636e }
  .axis { stroke: #d1d9e0 }
  .own { fill: #0969da }
  .peer { fill: #a3adb8 }
  .limit { fill: none; stroke: #59636e; stroke-dasharray: 3 2 }
  .open { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; stroke: #3d444d }
    text { fill: #e6edf3 }
    .quiet { fill: #9198a1 }
    .axis { stroke: #3d444d }
    .own { fill: #4493f8 }
    .peer { fill: #656c76 }
    .limit { stroke: #9198a1 }
    .open { fill: #0d1117 }
  }
`

// SVG draws the panels, in rows of two.
func SVG(title, subtitle string, panels []Panel) string {
	d := &drawing{}
	y := float64(head)
	for i := 0; i < len(panels); i += columns {
		tallest := 0.0
		for j, p := range panels[i:min(i+columns, len(panels))] {
			x := float64(margin + j*(panelWidth+gap))
			tallest = max(tallest, d.panel(p, x, y))
		}
		y += tallest + gap
	}
	height := y - gap + margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %.0f" width="%d" height="%.0f" role="img">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n<desc>%s</desc>\n<style>%s</style>\n", escape(title), escape(subtitle), style)
	fmt.Fprintf(&b, `<rect class="ground" x="0.5" y="0.5" width="%d" height="%.0f" rx="6"/>`+"\n", width-1, height-1)
	fmt.Fprintf(&b, `<text class="head" x="%d" y="32">%s</text>`+"\n", margin, escape(title))
	fmt.Fprintf(&b, `<text class="quiet" x="%d" y="51">%s</text>`+"\n", margin, escape(subtitle))
	b.WriteString(d.String())
	b.WriteString("</svg>\n")
	return b.String()
}

const panelWidth = (width - 2*margin - (columns-1)*gap) / columns

type drawing struct{ strings.Builder }

func (d *drawing) add(format string, args ...any) {
	_, _ = fmt.Fprintf(d, format+"\n", args...) // a strings.Builder takes everything
}

// panel draws a panel and returns its height.
func (d *drawing) panel(p Panel, x, y float64) float64 {
	d.add(`<text class="title" x="%.0f" y="%.0f">%s</text>`, x, y+16, escape(p.Title))
	longest := 0.0
	for _, b := range p.Bars {
		longest = max(longest, b.Value)
	}
	start, most := x+labelRoom, float64(panelWidth-labelRoom-textRoom)
	top := y + titleRoom
	for i, b := range p.Bars {
		at := top + float64(i*row)
		class := ""
		if b.Kind != Own {
			class = ` class="quiet"`
		}
		d.add(`<text%s x="%.1f" y="%.1f" text-anchor="end">%s</text>`, class, start-8, at+11, escape(b.Label))
		long := 0.0
		if b.Value >= 0 && longest > 0 {
			long = max(least, b.Value/longest*most)
			d.bar(b, start, at, long)
		}
		d.add(`<text%s x="%.1f" y="%.1f">%s</text>`, class, start+long+6, at+11, escape(b.Text))
	}
	bottom := top + float64(len(p.Bars)*row)
	d.add(`<line class="axis" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, start, top-4, start, bottom)
	return bottom - y
}

// bar draws one bar; two cuts near its end say that it goes on.
func (d *drawing) bar(b Bar, x, y, long float64) {
	if b.Kind == Limit {
		d.add(`<rect class="limit" x="%.1f" y="%.1f" width="%.1f" height="%d"/>`, x+0.5, y+0.5, long, thick-1)
	} else {
		d.add(`<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%d"/>`, b.Kind, x, y, long, thick)
	}
	if !b.Open {
		return
	}
	for _, back := range []float64{14, 8} {
		left := x + long - back
		d.add(`<polygon class="open" points="%.1f,%.1f %.1f,%.1f %.1f,%.1f %.1f,%.1f"/>`, left+3, y-1, left+6, y-1, left+3, y+thick+1.0, left, y+thick+1.0)
	}
}

// escape makes text safe between tags.
func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder takes everything
	return b.String()
}
