package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/remote"
)

// offer has shells complete what the configuration names, and words of which there are a few. A configuration that cannot be loaded
// offers nothing: a shell is no place for faults.
func (p *program) offer(root *cobra.Command) {
	first := map[string]func(*config.Config) []string{
		"check": destinations, "trust": destinations,
		"pause": targets, "resume": targets, "retry": targets, "cancel": targets, "resend": targets, "verify": targets,
	}
	for _, c := range root.Commands() {
		if words, ok := first[c.Name()]; ok {
			c.ValidArgsFunction = p.args(words, c.Name() == "check" || c.Name() == "verify")
		}
		switch c.Name() {
		case "put":
			c.ValidArgsFunction = p.putArgs
			offered(c, "verify", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return []string{string(remote.Auto), string(remote.Content), string(remote.Size)}, cobra.ShellCompDirectiveNoFileComp
			})
		case "init": // its folder is a directory, and what it names is not there yet
			offered(c, "folder", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return nil, cobra.ShellCompDirectiveFilterDirs
			})
			continue
		}
		if c.Flags().Lookup("folder") != nil {
			offered(c, "folder", p.words(folders))
		}
		if c.Flags().Lookup("destination") != nil {
			offered(c, "destination", p.words(destinations))
		}
	}
}

// offered has a flag completed.
func offered(c *cobra.Command, flag string, words cobra.CompletionFunc) {
	if err := c.RegisterFlagCompletionFunc(flag, words); err != nil {
		panic(err) // a name that the command does not have
	}
}

// words offers names of the configuration.
func (p *program) words(of func(*config.Config) []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		c, err := p.load()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		all := slices.DeleteFunc(of(c), func(word string) bool { return !strings.HasPrefix(word, begun) })
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

// args offers names for the first argument, or with several for each, but those that stand there already.
func (p *program) args(of func(*config.Config) []string, several bool) cobra.CompletionFunc {
	words := p.words(of)
	return func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 && !several {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		all, directive := words(c, args, begun)
		return slices.DeleteFunc(all, func(w string) bool { return slices.Contains(args, w) }), directive
	}
}

// putArgs offers files, and then destinations, behind which a path goes on.
func (p *program) putArgs(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	switch {
	case len(args) == 0:
		return nil, cobra.ShellCompDirectiveDefault
	case len(args) > 1 || strings.Contains(begun, ":"):
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	all, directive := p.words(destinations)(c, args, begun)
	for i := range all {
		all[i] += ":"
	}
	return all, directive | cobra.ShellCompDirectiveNoSpace
}

func destinations(c *config.Config) (names []string) {
	for i := range c.Destinations {
		names = append(names, c.Destinations[i].Name)
	}
	return names
}

func folders(c *config.Config) (names []string) {
	for i := range c.Folders {
		names = append(names, c.Folders[i].Name)
	}
	return names
}

// targets are what commands can be told of, but for ids.
func targets(c *config.Config) (words []string) {
	for _, name := range folders(c) {
		words = append(words, "folder:"+name)
	}
	for _, name := range destinations(c) {
		words = append(words, "destination:"+name)
	}
	for i := range c.Folders {
		for _, to := range c.Folders[i].To {
			words = append(words, c.Folders[i].Name+"/"+to.Destination)
		}
	}
	return words
}
