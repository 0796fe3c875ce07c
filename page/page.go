// Package page is what a browser shows of a running agent: files that are built in, ask nobody but the agent itself, and need
// no build of their own. What they show comes from the API.
package page

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed site
var site embed.FS

// Pages serves the files of the page.
func Pages() http.Handler {
	files, err := fs.Sub(site, "site")
	if err != nil {
		panic(err) // a mistake of the build
	}
	pages := http.NewServeMux()
	pages.Handle("/", http.FileServerFS(files))
	// Browsers ask for it where they were answered without a page.
	pages.Handle("/favicon.ico", http.RedirectHandler("/icon.svg", http.StatusMovedPermanently))
	return pages
}
