package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/agent"
	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/remote"
)

// first is what a first configuration is made of.
type first struct {
	name, host, user, root string
	port                   int
	key                    string // file; made where it does not exist
	fingerprint            string
	folder, folderName     string
	directory              string // below the root
	trial                  trialWish
}

func (p *program) initCommand() *cobra.Command {
	var f first
	command := &cobra.Command{
		Use:   "init",
		Short: "Write a first configuration: a server, its host key, a key of your own, a folder, and a test",
		Long: "init asks for a server and a folder, shows the server's host key, makes an ed25519 key if there is none, writes a commented\n" +
			"file, and tries it: it logs in, and writes, renames and removes small files, as `check --connect` does. Where it is wanted, it delivers\n" +
			"a test file and removes it again; and it says how the system is to run the agent. What flags give is not asked for; without a\n" +
			"terminal all that is needed must be given, and a test file is delivered with --test-upload alone. It never overwrites a file.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return p.initialise(command.Context(), f) },
	}
	flags := command.Flags()
	flags.StringVar(&f.host, "host", "", "name or address of the server")
	flags.IntVar(&f.port, "port", 22, "its port")
	flags.StringVar(&f.user, "user", "", "the account there")
	flags.StringVar(&f.name, "name", "", "what the server is called here; made of its host by default")
	flags.StringVar(&f.root, "root", "", "directory at the server; the login directory by default")
	flags.StringVar(&f.key, "key", "", "private key `file`; made where it does not exist")
	flags.StringVar(&f.fingerprint, "fingerprint", "", "accept the host key with this fingerprint, SHA256:... or as other programs show it, without asking")
	flags.StringVar(&f.folder, "folder", "", "local directory to be watched")
	flags.StringVar(&f.folderName, "folder-name", "", "what the folder is called; its last element by default")
	flags.StringVar(&f.directory, "to", "", "directory below the root; the root itself by default")
	f.trial.flags(command)
	return command
}

func (p *program) initialise(ctx context.Context, f first) error {
	file, err := config.FirstFile(p.configFile)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already, and stays as it is: edit it, or name another file with -c", file)
	}
	if err := p.askFirst(ctx, &f, filepath.Dir(file)); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	made, err := p.firstKey(&f)
	if err != nil {
		return err
	}
	unknown := f
	unknown.fingerprint = "" // what was given is only compared with what the server shows
	c, err := config.Parse(file, []byte(unknown.text()))
	if err != nil {
		return err
	}
	if err := p.firstHostKey(ctx, c, &f); err != nil {
		return err
	}
	text := f.text()
	if c, err = config.Parse(file, []byte(text)); err != nil {
		return err
	}
	if err := writeFirst(file, text); err != nil {
		return err
	}
	if err := p.printf("\n%s is written.\n", file); err != nil {
		return err
	}
	if _, err := os.Stat(f.folder); errors.Is(err, fs.ErrNotExist) {
		if err := p.printf("%s is not there yet: it is watched from the moment that it is.\n", f.folder); err != nil {
			return err
		}
	}
	p.printFaults(c.CheckPaths())
	return p.tryFirst(ctx, c, &f, made)
}

// askFirst asks for what no flag has given.
func (p *program) askFirst(ctx context.Context, f *first, dir string) error {
	var missing []string
	ask := func(at *string, flag, question, otherwise string) error {
		if *at != "" {
			return nil
		}
		if !isTerminal(p.in) {
			if otherwise == "" {
				missing = append(missing, "--"+flag)
			}
			*at = otherwise
			return nil
		}
		if otherwise != "" {
			question += " [" + otherwise + "]"
		}
		for *at == "" {
			text, err := p.askLine(ctx, question+": ")
			if err != nil {
				return err
			}
			if *at = text; text == "" {
				*at = otherwise
			}
		}
		return nil
	}
	err := ask(&f.host, "host", "The server's name or address", "")
	if err == nil {
		err = ask(&f.user, "user", "The account there", "")
	}
	if err == nil {
		err = ask(&f.name, "name", "What the server is to be called here", plainName(f.host))
	}
	if err == nil {
		err = ask(&f.key, "key", "Private key (made if it does not exist)", filepath.Join(dir, plainName(f.name)+"_ed25519"))
	}
	if err == nil {
		err = ask(&f.folder, "folder", "The local directory whose files are to be sent", "")
	}
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return usageError("without a terminal nothing can be asked for: " + strings.Join(missing, ", ") + " must be given")
	}
	for _, name := range []*string{&f.folder, &f.key} {
		if *name, err = filepath.Abs(*name); err != nil {
			return err
		}
	}
	if f.folderName == "" {
		f.folderName = plainName(filepath.Base(f.folder))
	}
	return nil
}

// askLine asks a person one question.
func (p *program) askLine(ctx context.Context, question string) (string, error) {
	if err := p.printf("%s", question); err != nil {
		return "", err
	}
	text, err := p.readLine(ctx)
	if errors.Is(err, io.EOF) {
		err = errors.New("nothing was written: there was no answer")
	}
	return text, err
}

// readLine reads what a person types, without the spaces around it; with an error it is what there is of it. Letters are read one by
// one, so that nothing of the next answer is taken.
func (p *program) readLine(ctx context.Context) (string, error) {
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() { // nothing ends a read of a terminal: after an interrupt it ends with the program
		var text []byte
		var err error
		for b := make([]byte, 1); err == nil && !bytes.HasSuffix(text, []byte("\n")); {
			var n int
			n, err = p.in.Read(b)
			text = append(text, b[:n]...)
		}
		answers <- answer{strings.TrimSpace(string(text)), err}
	}()
	select {
	case a := <-answers:
		return a.text, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// plainName makes a name of letters that names may have.
func plainName(text string) string {
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-' {
			return r
		}
		return '-'
	}, text), ".-")
	if name == "" {
		return "partner"
	}
	return name
}

// firstKey makes the key where there is none, and shows its public part. made tells whether the server cannot know it yet.
func (p *program) firstKey(f *first) (made bool, err error) {
	if _, err := os.Stat(f.key); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err := os.MkdirAll(filepath.Dir(f.key), 0o700); err != nil {
		return false, err
	}
	public, err := remote.NewKey(f.key, "dropferry")
	if err != nil {
		return false, err
	}
	return true, p.printf("A key was made: %s. Its public part is for the server's owner:\n\n%s\n\n", f.key, public)
}

// firstHostKey shows the server's host key, and has it accepted.
func (p *program) firstHostKey(ctx context.Context, c *config.Config, f *first) error {
	d := &c.Destinations[0]
	keys, err := agent.HostKeys(ctx, c, d)
	if err != nil {
		return err
	}
	if err := p.showKeys(d, keys, nil, nil); err != nil {
		return err
	}
	key, err := choose(d, keys, nil, f.fingerprint)
	if err != nil {
		return err
	}
	if f.fingerprint == "" {
		if err := p.askYes(ctx, key); err != nil {
			return err
		}
	}
	f.fingerprint = key.Fingerprint
	return nil
}

// text is the file. What is left out has its default, which agent.toml.example explains.
func (f *first) text() string {
	var b strings.Builder
	line := func(key, value, comment string) {
		text := key + " = " + value
		if comment != "" {
			text = fmt.Sprintf("%-40s# %s", text, comment)
		}
		b.WriteString(text + "\n")
	}
	b.WriteString("# dropferry's configuration. agent.toml.example, and dropferry-agent.toml(5), explain every key there is.\n\nversion = 1\n\n")
	b.WriteString("# The server, and the account there.\n[[destination]]\n")
	line("name", quote(f.name), "")
	line("host", quote(f.host), "")
	if f.port != 22 {
		line("port", strconv.Itoa(f.port), "")
	}
	line("user", quote(f.user), "")
	line("key_file", quote(f.key), "the server's owner gets "+filepath.Base(f.key)+".pub")
	if f.fingerprint != "" {
		line("host_key", "["+quote(f.fingerprint)+"]", "nothing is sent to a server with another key")
	}
	if f.root != "" {
		line("root", quote(f.root), "paths without / in front are below it")
	}
	b.WriteString("\n# What is sent there: each version of each file once, and kept here.\n[[folder]]\n")
	line("name", quote(f.folderName), "")
	line("path", quote(f.folder), "")
	line("# include", `["*.xml"]`, "all files but temporary ones by default")
	line("# after", `"archive"`, `keep | archive | delete; archive = "DIRECTORY" says where to`)
	to := f.name
	if f.directory != "" {
		to += ":" + f.directory
	}
	line("to", "["+quote(to)+"]", "DESTINATION:DIRECTORY")
	b.WriteString("\n# Somebody should be told when a person is needed: see [[notify]] in agent.toml.example.\n")
	return b.String()
}

// quote writes a string of TOML. A literal one is easier to read where there are backslashes.
func quote(text string) string {
	if strings.Contains(text, `\`) && !strings.ContainsAny(text, "'\n\r\t") {
		return "'" + text + "'"
	}
	return strconv.Quote(text)
}

func writeFirst(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// tryFirst logs in, tries what the server can do, and delivers a test file where that is wanted. It tells how to go on.
func (p *program) tryFirst(ctx context.Context, c *config.Config, f *first, made bool) error {
	word := config.ShellWord(c.File)
	connection := agent.Connect(ctx, c, &c.Destinations[0], 0)
	if connection.Err != nil && made && remote.KindOf(connection.Err) == remote.Auth {
		if err := p.printf("The server does not know the key yet. Once its owner has added it:\n  dropferry -c %s check --connect\n", word); err != nil {
			return err
		}
		return p.sayNext(ctx, c)
	}
	if err := p.printConnection(connection); err != nil {
		return err
	}
	if connection.Err != nil {
		if err := p.sayTryAgain(word, f, remote.KindOf(connection.Err) == remote.Auth); err != nil {
			return err
		}
		return exitError(exitCode(ctx, connection.Err))
	}
	if err := p.printf("Small hidden files were written, renamed and removed there.\n"); err != nil {
		return err
	}
	if err := p.tryUpload(ctx, c, f); err != nil {
		return err
	}
	return p.sayNext(ctx, c)
}

// sayTryAgain says how to go on with the file that is written. refused: the server has refused the login, perhaps since nobody has given
// its owner the key that an earlier run has made.
func (p *program) sayTryAgain(word string, f *first, refused bool) error {
	if public, err := os.ReadFile(f.key + ".pub"); err == nil && refused {
		if err := p.printf("\nIf the server's owner has not got the public part of the key yet:\n\n%s\n\n", bytes.TrimSpace(public)); err != nil {
			return err
		}
	}
	return p.printf("The file stays. To try again:\n  dropferry -c %s check --connect\n", word)
}

// sayNext says what to type next, to go on by hand or to have the system run the agent.
func (p *program) sayNext(ctx context.Context, c *config.Config) error {
	word := config.ShellWord(c.File)
	text := fmt.Sprintf("\nTo go on:\n"+
		"  dropferry -c %s plan    what would be sent\n"+
		"  dropferry -c %s once    send it\n"+
		"  dropferry -c %s run     watch, and send what comes\n", word, word, word)
	steps := agent.ServiceSteps(ctx, c, p.doctorOptions(c, false, false))
	if len(steps) == 0 {
		return p.printf("%sNo service manager is known here: have `run` started by what starts programs on this system (docs/service.md).\n", text)
	}
	return p.printf("%sAs a service of this system (`doctor` says what its account lacks, and what to type about it):\n  %s\n", text, strings.Join(steps, "\n  "))
}
