package sftptest

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// StartProFTPD starts ProFTPD with mod_sftp, which hashes files for check-file requests and runs no commands.
func StartProFTPD(tb TB, o ProductOptions) *Product {
	tb.Helper()
	return recipe{
		name: "ProFTPD", program: "proftpd", install: "proftpd-core and proftpd-mod-crypto",
		user: "partner", banner: "SSH-2.0-mod_sftp",
		version: []string{"-v"}, tells: regexp.MustCompile(`ProFTPD Version (\S+)`),
		arguments: (*Product).proFTPD,
	}.start(tb, o)
}

// proFTPD writes the configuration, with an account that is known here alone, and has the rights of the current user.
func (p *Product) proFTPD() ([]string, error) {
	at := func(name string) string { return filepath.Join(p.home, name) }
	account := fmt.Sprintf("%s:!:%d:%d::%s:/bin/sh\n", p.User, os.Getuid(), os.Getgid(), p.Dir)
	group := fmt.Sprintf("partners:x:%d:\n", os.Getgid())
	lines := []string{
		"LoadModule mod_sftp.c",
		"ServerName dropferry", "ServerType standalone", "DefaultServer on", "DefaultAddress " + p.Host,
		fmt.Sprintf("Port %d", p.Port), "PidFile " + at("pid"), "ScoreboardFile " + at("scoreboard"),
		"WtmpLog off", "TransferLog none", "UseReverseDNS off", "MaxInstances none",
		"AuthOrder mod_auth_file.c", "AuthUserFile " + at("accounts"), "AuthGroupFile " + at("groups"),
		"RequireValidShell off", "RootLogin on", "AllowOverwrite on", "AllowStoreRestart on",
		"SFTPEngine on", "SFTPHostKey " + p.hostKey, "SFTPAuthMethods publickey",
		"SFTPAuthorizedUserKeys file:" + at("keys"), "SFTPLog " + at("log"),
	}
	if os.Geteuid() == 0 {
		lines = append(lines, "User root", "Group root")
	}
	if p.options.Jail {
		lines = append(lines, "DefaultRoot ~")
	}
	for name, text := range map[string]string{
		"accounts": account, "groups": group, "keys": rfc4716(p.public), "proftpd.conf": strings.Join(slices.Concat(lines, p.options.Config), "\n") + "\n",
	} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return []string{"-n", "-c", at("proftpd.conf")}, nil
}

// rfc4716 writes a public key as that RFC's section 3 has it, which is all that mod_sftp reads.
func rfc4716(key ssh.PublicKey) string {
	const width = 70
	var b strings.Builder
	b.WriteString("---- BEGIN SSH2 PUBLIC KEY ----\n")
	for text := base64.StdEncoding.EncodeToString(key.Marshal()); text != ""; {
		n := min(width, len(text))
		b.WriteString(text[:n] + "\n")
		text = text[n:]
	}
	b.WriteString("---- END SSH2 PUBLIC KEY ----\n")
	return b.String()
}
