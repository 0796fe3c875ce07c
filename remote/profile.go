package remote

import (
	"cmp"
	"slices"
	"strings"
)

// A profile is what is known of a make of server before anything is asked of it. It only says what not to ask, and how much
// at most: what such a server can do is found out by the probe all the same, since no two are set up alike.
type profile struct {
	name    string
	product string
	banner  []string // words of the version string that it greets with; none where it has to be chosen by hand
	only    string   // an extension of SFTP that no other make announces; "" is none
	tried   bool     // run against the real thing, by TestServers of internal/e2e; else what its makers write is all there is
	choices []choice

	// rereads says that what the handle reads by which a file was written, before its close, is what stands there after it: the file
	// is the server's own, and closing it does nothing to it. See echo.
	rereads bool
}

// choice is one thing that is done otherwise than the probe alone would have it.
type choice struct {
	about subject
	most  int // so many or so much at once, at most; 0 is not at all
	why   string
}

// subject is what a choice is about, in the words of a Finding where there is one.
type subject string

const (
	aboutWrites    subject = "packet size"  // KiB in a WRITE
	aboutRequests  subject = "requests"     // under way at once, on a session
	aboutFiles     subject = "open files"   // at once, on a session
	aboutChannels  subject = "channels"     // of SFTP, on a connection
	aboutWindow    subject = "window"       // KiB that may be under way on a channel
	aboutStripes   subject = "wide uploads" // a file over several channels; only 0
	aboutOrder     subject = "order"        // requests about one file, one after the other; only 1
	aboutTimes     subject = "set time"     // only 0, as what follows
	aboutMode      subject = "set mode"
	aboutFsync     subject = "fsync"
	aboutPosix     subject = "posix-rename"
	aboutCommands  subject = "commands" // at the server, to hash
	aboutCheckFile subject = "check-file"
)

// AutoProfile is the name of the profile that is chosen by what the server shows.
const AutoProfile = "auto"

// profiles is all that is known of makes of servers. A choice has its reason; a fact without a consequence stands in
// docs/compatibility.md. What a probe finds out for itself at little cost needs no choice here.
var profiles = []profile{
	{
		name: "openssh", product: "OpenSSH", banner: []string{"OpenSSH_"}, only: "users-groups-by-id@openssh.com", tried: true,
		rereads: true,
	},
	{
		name: "aws-transfer", product: "AWS Transfer Family", banner: []string{"AWS_SFTP"}, choices: []choice{
			{aboutChannels, 8, "a connection may have ten sessions"},
			{aboutStripes, 0, "an upload to S3 over several sessions may fail at any moment"},
			{aboutTimes, 0, "S3 keeps no times: SETSTAT is refused unless the server is set up to ignore it"},
			{aboutMode, 0, "S3 keeps no permissions, likewise"},
			{aboutCommands, 0, "none that hashes is run"},
		},
	},
	{
		name: "azure-blob", product: "Azure Blob Storage", banner: []string{"AzureSSH"}, choices: []choice{
			{aboutStripes, 0, "a blob is written from its beginning to its end"},
			{aboutMode, 0, "many accounts have no permissions to set"},
			{aboutFsync, 0, "it has none"},
			{aboutCommands, 0, "SFTP is all that it serves: any other request fails"},
		},
	},
	{
		name: "proftpd", product: "ProFTPD mod_sftp", banner: []string{"mod_sftp", "ProFTPD"}, tried: true, choices: []choice{
			{aboutCommands, 0, "it runs none but scp: check-file hashes instead"},
		},
	},
	{
		name: "sftpgo", product: "SFTPGo", banner: []string{"SFTPGo"}, choices: []choice{
			{aboutStripes, 0, "the storage behind it may take a file only in order"},
		},
	},
	{
		name: "bitvise", product: "Bitvise SSH Server", banner: []string{"Bitvise SSH Server", "WinSSHD"},
	},
	{
		name: "crushftp", product: "CrushFTP", banner: []string{"CrushFTP"}, choices: []choice{
			{aboutRequests, 1, "several at once have corrupted its answers"},
			{aboutChannels, 1, "likewise"},
			{aboutCommands, 0, "it runs none"},
		},
	},
	{
		name: "goanywhere", product: "GoAnywhere MFT", banner: []string{"GoAnywhere"}, choices: []choice{
			{aboutFiles, 1, "a second one may be denied as if the account had no right to it"},
			{aboutPosix, 0, "it has none"},
			{aboutCommands, 0, "it runs none but scp"},
		},
	},
	{
		name: "dropbear", product: "dropbear", banner: []string{"dropbear"}, tried: true, choices: []choice{
			{aboutWindow, 24, "unless it is run with -W: over a long line several channels make up for it"},
		},
	},
	{
		name: "strict-mft", product: "a server that takes the least", choices: []choice{
			{aboutWrites, safeWrite >> 10, "every server takes as much"},
			{aboutRequests, 1, "one thing at a time"},
			{aboutFiles, 1, "one thing at a time"},
			{aboutChannels, 1, "one thing at a time"},
			{aboutOrder, 1, "one thing at a time"},
			{aboutTimes, 0, "some servers discard a file of which an attribute is to be set"},
			{aboutMode, 0, "likewise"},
			{aboutFsync, 0, "not every server knows it"},
			{aboutPosix, 0, "not every server knows it"},
			{aboutCommands, 0, "some servers end the connection, or tell somebody of an attack"},
			{aboutCheckFile, 0, "not every server knows it"},
		},
	},
}

// Profiles returns the names that Target.Profile may have.
func Profiles() []string {
	names := []string{AutoProfile}
	for i := range profiles {
		names = append(names, profiles[i].name)
	}
	return names
}

// profileNamed returns the profile of a name, one without choices where there is none.
func profileNamed(name string) *profile {
	if i := slices.IndexFunc(profiles, func(p profile) bool { return p.name == name }); i >= 0 {
		return &profiles[i]
	}
	return &profile{}
}

// Where a profile may come from.
const (
	byConfiguration = "the configuration"
	byBanner        = "its banner"
	byExtensions    = "its extensions"
)

// recognise returns the profile of a server by what it shows, and by what it was recognised; one without a name where
// nothing is known of it.
func recognise(banner string, extensions map[string]string) (p *profile, by string) {
	for i := range profiles {
		if slices.ContainsFunc(profiles[i].banner, func(word string) bool { return strings.Contains(banner, word) }) {
			return &profiles[i], byBanner
		}
	}
	for i := range profiles {
		if _, there := extensions[profiles[i].only]; there && profiles[i].only != "" {
			return &profiles[i], byExtensions
		}
	}
	return &profile{}, ""
}

// most returns the bound on a subject; limited is false where there is none.
func (p *profile) most(about subject) (n int, limited bool) {
	for _, c := range p.choices {
		if c.about == about {
			return c.most, true
		}
	}
	return 0, false
}

// chooseProfile settles which profile a session has, once the server has shown what it is.
func (s *Session) chooseProfile() {
	if name := s.target.Profile; name != "" && name != AutoProfile {
		s.profile, s.profileBy = profileNamed(name), byConfiguration
		return
	}
	s.profile, s.profileBy = recognise(s.Banner(), s.mux.extensions)
}

// uses tells whether something is asked of the server at all.
func (s *Session) uses(about subject) bool {
	n, limited := s.profile.most(about)
	return !limited || n > 0
}

// bound returns how many of something there may be at once, by the target or else by the profile; 0 is any number.
func (s *Session) bound(about subject) int {
	own := 0
	switch about {
	case aboutRequests:
		own = s.target.Requests
	case aboutFiles:
		own = s.target.OpenFiles
	}
	if own > 0 {
		return own
	}
	n, _ := s.profile.most(about)
	return n
}

// keepTo has the session keep to what the server takes in one WRITE, in bytes, in open files and in requests under way, of which 0
// is any number; and to the bounds of its target and its profile.
func (s *Session) keepTo(write, files, requests int) {
	s.packet.Store(int64(least(write, s.bound(aboutWrites)<<10)))
	s.handles.limit(least(files, s.bound(aboutFiles)))
	s.mux.flying.limit(least(requests, s.bound(aboutRequests)))
}

// window returns how many bytes of WRITEs the server lets be under way on one channel, as far as that is known.
func (s *Session) window() float64 { return cmp.Or(float64(s.bound(aboutWindow)<<10), laneWindow) }

// least returns the smaller of two bounds of which 0 is none.
func least(a, b int) int {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// isCareful tells whether one thing is asked for at a time of each file.
func (s *Session) isCareful() bool { return s.caps.Load().isCareful() || s.bound(aboutOrder) > 0 }

// OpenFiles returns how many files the session keeps open at once; 0 is any number.
func (s *Session) OpenFiles() int { return least(s.caps.Load().OpenFiles(), s.bound(aboutFiles)) }
