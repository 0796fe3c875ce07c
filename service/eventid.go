package service

import (
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf16"
)

// Ids of events in the Windows Event Log that are no single message's. They are stable, as all ids here: monitoring
// filters by them. The system's texts for events end at 1000.
const (
	eventInfo    = 1
	eventWarning = 2
	eventError   = 3
)

// event is what the Event Log makes of a message.
type event struct {
	id      uint32
	routine bool // not written: the history has it, and thousands a day would push everything else out
}

// events are the messages with ids of their own: from 10 the agent's life, from 100 deliveries that went well, from 200
// what mends itself or may wait, from 300 where a person has to act.
var events = map[string]event{
	"watching":                                    {id: 10},
	"stopping: files under way may finish":        {id: 11},
	"configuration reloaded":                      {id: 12},
	"configuration reloaded: nothing has changed": {id: 12},
	"command obeyed":                              {id: 13},
	"command refused":                             {id: 14},
	"the state was copied":                        {id: 15, routine: true},
	"renamed":                                     {id: 16},
	"folder goes on":                              {id: 17},
	"there is room again: deliveries go on":       {id: 18},
	"cancelled by a person":                       {id: 19},

	"alerts reach their receiver again":                               {id: 20},
	"another process has the state: the agent starts when it is free": {id: 21},
	"a hook has run": {id: 112, routine: true},

	"delivered": {id: 100, routine: true},
	"adopted: the destination has the same file already": {id: 101, routine: true},
	"archived":                     {id: 102, routine: true},
	"deleted the delivered source": {id: 103, routine: true},
	"moved to the trash: the file has left the folder":         {id: 104, routine: true},
	"removed at the destination: the file has left the folder": {id: 105, routine: true},
	"nothing to remove at the destination":                     {id: 106, routine: true},
	"not sent: the file has changed or is gone":                {id: 107, routine: true},
	"connected":                              {id: 110, routine: true},
	"files wait until the destination opens": {id: 111},

	"attempt failed":                                     {id: 200},
	"destination cannot be used for now":                 {id: 201},
	"somebody else's file was given another name":        {id: 202},
	"not removed at the destination, and no longer ours": {id: 203},
	"nothing is removed for this folder":                 {id: 204},
	"not everything could be read":                       {id: 205},
	"not sent: the file is not ready":                    {id: 206},
	"paused: `dropferry resume` lets it go on":           {id: 207},
	"does not become ready: somebody should look at it":  {id: 208},
	"scan failed": {id: 209},
	"the earlier version is at its name again: the newer one could not take it": {id: 214},
	"a temporary file of ours could not be removed at the destination":          {id: 215},
	"sent whole for a while, whatever of it changes":                            {id: 233},
	"what files were made of was not removed from the state; it is tried again": {id: 234},
	"not sent yet: another file comes first":                                    {id: 216},
	"there is no such drive for this account":                                   {id: 213},
	"the state was not copied; it is tried again":                               {id: 210},
	"commands cannot reach this agent":                                          {id: 211},
	"nobody can look at this agent over HTTP: commands work all the same":       {id: 221},
	"nobody can look at this agent over HTTP any more":                          {id: 222},
	"commands cannot reach this agent any more":                                 {id: 211},
	"stopped before files under way had ended: they go on at the next start":    {id: 212},

	"an alert could not be sent; it is tried again":            {id: 217},
	"a hook has failed":                                        {id: 218},
	"on_failed does not run for a file: too many wait for it":  {id: 220},
	"hooks could not be run: they are tried again in a minute": {id: 219},
	"nobody is told of what goes wrong":                        {id: 310},

	"a certificate needs a person":                                                     {id: 223},
	"a host key is going to change":                                                    {id: 224},
	"weak algorithms are allowed, which somebody on the way may break":                 {id: 225},
	"hints were lost: the folder will be scanned":                                      {id: 226},
	"hand over settled files":                                                          {id: 227},
	"left a folder whose file system does not answer":                                  {id: 228},
	"the host keys that a server announces cannot be written down":                     {id: 229},
	"a hook could not be told what has happened":                                       {id: 230},
	"the charts of the page will lack what waits now; nothing else needs it":           {id: 231},
	"what waited before is not known to the charts of the page; nothing else needs it": {id: 232},
	"the log goes here, since it cannot be where the configuration wants it":           {id: 311},
	"the log stays as it was":                                                          {id: 312},

	"held: a person has to decide":                                           {id: 300},
	"given up: a person has to look at it":                                   {id: 301},
	"destination blocked: a person has to act":                               {id: 302},
	"folder halted: a person has to decide":                                  {id: 303},
	"nothing is sent: there is no room to record it":                         {id: 304},
	"the configuration was not reloaded":                                     {id: 305},
	"the configuration was not reloaded: a fault in it":                      {id: 305},
	"the service has ended by itself, and is started again":                  {id: 306},
	"the service has ended, and is not started again until a person does it": {id: 307},
	"the service has not ended as it should":                                 {id: 308},
	"a destination's loop hangs: no sign of life is given any more":          {id: 309},
}

// EventID returns the id of a message in the Event Log, and whether it is left out there.
func EventID(level slog.Level, message string) (id uint32, routine bool) {
	if e, ok := events[message]; ok {
		return e.id, e.routine
	}
	switch {
	case level >= slog.LevelError:
		return eventError, false
	case level >= slog.LevelWarn:
		return eventWarning, false
	}
	return eventInfo, level < slog.LevelInfo
}

// eventRoom is how many UTF-16 code units the Event Log takes for one text.
const eventRoom = 31_000

// eventText makes a line safe for the Event Log: without control characters, which could forge what looks like another
// event, without what it would replace ("%%5" and the like), and no longer than it takes.
func eventText(line []byte) string {
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(line), "\uFFFD"))
	for strings.Contains(text, "%%") {
		text = strings.ReplaceAll(text, "%%", "% %")
	}
	if units := utf16.Encode([]rune(text)); len(units) > eventRoom {
		text = string(utf16.Decode(units[:eventRoom])) + " ..."
	}
	return text
}
