package state

// schema is how the store came to be, version by version. A version that has been released is never edited: the next
// one is appended. Only what SQLite 3.26 reads is used, so that the sqlite3 shell of an old system opens the store.
//
// Names of folders and destinations are those of the configuration. Times are nanoseconds since 1970, 0 where there is
// none. Paths are bytes in TEXT columns under BINARY collation, which sorts them byte by byte.
var schema = []migration{`
-- What is at a destination, or was last put there.
CREATE TABLE known (
	folder      TEXT NOT NULL,
	path        TEXT NOT NULL,
	destination TEXT NOT NULL,
	size        INTEGER NOT NULL, -- of the local file, as are the next four
	mtime       INTEGER NOT NULL,
	ctime       INTEGER NOT NULL,
	dev         INTEGER NOT NULL,
	ino         INTEGER NOT NULL,
	racy        INTEGER NOT NULL, -- 1: the fingerprint may hide a later change
	sha256      BLOB,             -- NULL where an adoption rested on size and time
	remote_path TEXT NOT NULL,
	owned       INTEGER NOT NULL, -- 1: delivered by us, 0: adopted
	PRIMARY KEY (folder, path, destination)
) WITHOUT ROWID;

-- Transfers under way. seq is the order in which they were planned.
CREATE TABLE intents (
	seq           INTEGER PRIMARY KEY,
	id            TEXT NOT NULL UNIQUE,
	version       TEXT NOT NULL,
	folder        TEXT NOT NULL,
	destination   TEXT NOT NULL,
	path          TEXT NOT NULL,
	size          INTEGER NOT NULL,
	mtime         INTEGER NOT NULL,
	ctime         INTEGER NOT NULL,
	dev           INTEGER NOT NULL,
	ino           INTEGER NOT NULL,
	reason        TEXT NOT NULL,
	final         TEXT NOT NULL,
	temp          TEXT NOT NULL,
	archive       TEXT NOT NULL,
	ready_at      INTEGER NOT NULL,
	phase         TEXT NOT NULL CHECK (phase IN ('planned', 'committing', 'delivered', 'held', 'parked', 'cancelled')),
	sha256        BLOB,
	evidence      TEXT NOT NULL DEFAULT '',
	command       TEXT NOT NULL DEFAULT '',
	remote_mtime  INTEGER NOT NULL DEFAULT 0,
	host_key      TEXT NOT NULL DEFAULT '',
	attempts      INTEGER NOT NULL DEFAULT 0,
	failures      INTEGER NOT NULL DEFAULT 0,
	failed_at     INTEGER NOT NULL DEFAULT 0, -- of the last failure, its own or not
	failing_for   INTEGER NOT NULL DEFAULT 0, -- nanoseconds in which it was tried or waited for its next attempt
	mismatches    INTEGER NOT NULL DEFAULT 0, -- uploads of which the server had other bytes
	next_attempt  INTEGER NOT NULL DEFAULT 0,
	last_error    TEXT NOT NULL DEFAULT '',
	started_at    INTEGER NOT NULL DEFAULT 0,
	source        TEXT NOT NULL DEFAULT '', -- what to read where that is not the folder's file
	overwrite     INTEGER NOT NULL DEFAULT 0, -- 1: a person allows to replace what stands at final
	moved_from    TEXT NOT NULL DEFAULT ''    -- path of the known file that is to get this name
);
-- Two open intents never publish at the same name.
CREATE UNIQUE INDEX intents_open ON intents (destination, final) WHERE phase NOT IN ('delivered', 'cancelled');
CREATE INDEX intents_path ON intents (folder, path);
CREATE INDEX intents_version ON intents (version);
CREATE INDEX intents_due ON intents (phase, destination, next_attempt);
CREATE INDEX intents_ended ON intents (folder, next_attempt) WHERE phase = 'delivered';

-- How far the upload of a planned intent has come, as far as the server has acknowledged it.
CREATE TABLE checkpoints (
	intent TEXT NOT NULL PRIMARY KEY REFERENCES intents (id) ON DELETE CASCADE,
	offset INTEGER NOT NULL,
	hash   BLOB NOT NULL -- state of the SHA-256 of the bytes below offset
) WITHOUT ROWID;
CREATE TRIGGER checkpoints_end AFTER UPDATE OF phase ON intents WHEN new.phase <> 'planned' BEGIN
	DELETE FROM checkpoints WHERE intent = new.id;
END;

-- The ledger: a receipt for every publication, for ever.
CREATE TABLE deliveries (
	seq          INTEGER PRIMARY KEY,
	id           TEXT NOT NULL UNIQUE, -- of the intent
	folder       TEXT NOT NULL,
	destination  TEXT NOT NULL,
	path         TEXT NOT NULL,
	remote_path  TEXT NOT NULL,
	size         INTEGER NOT NULL,
	sha256       BLOB,
	evidence     TEXT NOT NULL,
	command      TEXT NOT NULL,
	remote_mtime INTEGER NOT NULL,
	host_key     TEXT NOT NULL,
	attempts     INTEGER NOT NULL,
	started_at   INTEGER NOT NULL,
	delivered_at INTEGER NOT NULL
);
CREATE INDEX deliveries_remote ON deliveries (destination, remote_path);
CREATE INDEX deliveries_path ON deliveries (folder, path);
CREATE INDEX deliveries_time ON deliveries (delivered_at);
CREATE TRIGGER deliveries_stay BEFORE DELETE ON deliveries
BEGIN SELECT RAISE(ABORT, 'a receipt is never removed'); END;
CREATE TRIGGER deliveries_stand BEFORE UPDATE ON deliveries
BEGIN SELECT RAISE(ABORT, 'a receipt is never changed'); END;

-- Where the sources of deliveries were archived.
CREATE TABLE archived (
	id   TEXT NOT NULL PRIMARY KEY, -- of the delivery
	path TEXT NOT NULL
) WITHOUT ROWID;

-- Temps of ours that no intent refers to any more.
CREATE TABLE sweeps (
	id          TEXT NOT NULL PRIMARY KEY, -- of the intent that made the temp
	destination TEXT NOT NULL,
	temp        TEXT NOT NULL
);
CREATE INDEX sweeps_destination ON sweeps (destination);

-- Files that are being written at their final names, where a server renames nothing. What stands there is ours meanwhile.
CREATE TABLE unfinished (
	destination TEXT NOT NULL,
	remote_path TEXT NOT NULL,
	size        INTEGER NOT NULL, -- that it is to have
	PRIMARY KEY (destination, remote_path)
) WITHOUT ROWID;
CREATE TRIGGER unfinished_end AFTER INSERT ON deliveries BEGIN
	DELETE FROM unfinished WHERE destination = new.destination AND remote_path = new.remote_path;
END;

-- What a person has stopped. An empty name stands for all.
CREATE TABLE pauses (
	folder      TEXT NOT NULL,
	destination TEXT NOT NULL,
	since       INTEGER NOT NULL,
	PRIMARY KEY (folder, destination)
) WITHOUT ROWID;

-- Steps at destinations that move no bytes. Where a file goes is written down before it goes there.
CREATE TABLE operations (
	id           TEXT NOT NULL PRIMARY KEY,
	step         TEXT NOT NULL CHECK (step IN ('mkdir', 'delete', 'expire', 'rmdir')),
	folder       TEXT NOT NULL,
	destination  TEXT NOT NULL,
	path         TEXT NOT NULL,
	remote_path  TEXT NOT NULL,
	trash        TEXT NOT NULL, -- remote path; '' where the file is removed
	root_dev     INTEGER NOT NULL,
	root_ino     INTEGER NOT NULL,
	upto         INTEGER NOT NULL, -- the last receipt before it was planned
	begun        INTEGER NOT NULL DEFAULT 0, -- 1: the server may have been asked
	planned_at   INTEGER NOT NULL,
	next_attempt INTEGER NOT NULL DEFAULT 0,
	attempts     INTEGER NOT NULL DEFAULT 0,
	last_error   TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX operations_path ON operations (folder, path, destination, step, remote_path);
CREATE INDEX operations_due ON operations (destination, step, folder, path);

-- What the last complete scan did not find in its folder and is known at a destination, and a scan under way has not found.
CREATE TABLE missing (
	folder TEXT NOT NULL,
	path   TEXT NOT NULL,
	dir    INTEGER NOT NULL,
	since  INTEGER NOT NULL, -- the complete scan that was the first to miss it; 0: none has ended yet
	scan   TEXT NOT NULL,    -- the last one that has missed it
	PRIMARY KEY (folder, path, dir)
) WITHOUT ROWID;
-- What is about to be sent is there. Its removal is not to be begun.
CREATE TRIGGER missing_end AFTER INSERT ON intents WHEN new.source = '' BEGIN
	DELETE FROM missing WHERE folder = new.folder AND path = new.path;
	DELETE FROM operations WHERE folder = new.folder AND path = new.path AND destination = new.destination
		AND step = 'delete' AND begun = 0;
END;
CREATE INDEX intents_moved ON intents (folder, moved_from) WHERE moved_from <> '';

-- Directories at destinations that no known file speaks for: they are empty in their folders, or have left them.
CREATE TABLE dirs (
	folder      TEXT NOT NULL,
	path        TEXT NOT NULL,
	destination TEXT NOT NULL,
	remote_path TEXT NOT NULL,
	dev         INTEGER NOT NULL,
	made        INTEGER NOT NULL, -- 1: it surely is there
	PRIMARY KEY (folder, path, destination)
) WITHOUT ROWID;

-- The ledger of what was taken away at destinations.
CREATE TABLE removals (
	seq         INTEGER PRIMARY KEY,
	id          TEXT NOT NULL UNIQUE, -- of the operation
	folder      TEXT NOT NULL,
	destination TEXT NOT NULL,
	path        TEXT NOT NULL,
	remote_path TEXT NOT NULL,
	size        INTEGER NOT NULL,
	sha256      BLOB,
	trash       TEXT NOT NULL, -- where it went; '' where it was removed
	at          INTEGER NOT NULL
);
CREATE INDEX removals_path ON removals (folder, path);
CREATE TRIGGER removals_stay BEFORE DELETE ON removals
BEGIN SELECT RAISE(ABORT, 'the record of a removal is never removed'); END;
CREATE TRIGGER removals_stand BEFORE UPDATE ON removals
BEGIN SELECT RAISE(ABORT, 'the record of a removal is never changed'); END;

-- Our files in the trash of destinations.
CREATE TABLE trashed (
	id          TEXT NOT NULL UNIQUE, -- of the removal
	folder      TEXT NOT NULL,
	destination TEXT NOT NULL,
	path        TEXT NOT NULL,
	remote_path TEXT NOT NULL, -- in the trash
	size        INTEGER NOT NULL,
	at          INTEGER NOT NULL,
	PRIMARY KEY (destination, remote_path)
) WITHOUT ROWID;
CREATE INDEX trashed_time ON trashed (folder, at);

-- Folders that wait for a person. accepted is how many removals he has allowed; NULL: the folder is halted.
CREATE TABLE halts (
	folder   TEXT NOT NULL PRIMARY KEY,
	since    INTEGER NOT NULL,
	reason   TEXT NOT NULL,
	detail   TEXT NOT NULL,
	count    INTEGER NOT NULL,
	examples TEXT NOT NULL, -- paths with a zero byte between them
	accepted INTEGER
) WITHOUT ROWID;

-- Roots of folders in which a marker was written.
CREATE TABLE marks (
	folder TEXT NOT NULL,
	root   TEXT NOT NULL,
	dev    INTEGER NOT NULL,
	at     INTEGER NOT NULL,
	PRIMARY KEY (folder, root)
) WITHOUT ROWID;

-- Where nothing is begun: what is paused, and halted folders.
CREATE VIEW stopped AS
	SELECT folder, destination FROM pauses UNION ALL SELECT folder, '' FROM halts WHERE accepted IS NULL;

CREATE TABLE blocks (
	destination TEXT NOT NULL PRIMARY KEY,
	kind        TEXT NOT NULL,
	reason      TEXT NOT NULL,
	secret      TEXT NOT NULL,
	since       INTEGER NOT NULL,
	next_probe  INTEGER NOT NULL
);

-- How long destinations that could not be used are let alone, across restarts.
CREATE TABLE waits (
	destination  TEXT NOT NULL PRIMARY KEY,
	failures     INTEGER NOT NULL, -- in a row
	connects     INTEGER NOT NULL, -- of them, the last in a row that came to no session
	dropped      INTEGER NOT NULL, -- 1: the server closed the connection before the login
	reason       TEXT NOT NULL,
	account      TEXT NOT NULL,
	failed_at    INTEGER NOT NULL,
	next_attempt INTEGER NOT NULL
);

-- What a probe found out about a server, as long as it is the same server and account.
CREATE TABLE capabilities (
	destination TEXT NOT NULL PRIMARY KEY,
	identity    TEXT NOT NULL,
	json        BLOB
);

CREATE TABLE meta (
	key   TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;

-- What the configuration calls its folders and destinations, or has called those that have left it.
CREATE TABLE names (
	kind  TEXT NOT NULL CHECK (kind IN ('folder', 'destination')),
	name  TEXT NOT NULL,
	place TEXT NOT NULL, -- of a folder its path, of a destination its host
	port  INTEGER NOT NULL, -- 0 of a folder
	user  TEXT NOT NULL, -- "" of a folder
	mode  TEXT NOT NULL, -- "" of a destination
	seen  INTEGER NOT NULL, -- when a configuration with it was last begun
	PRIMARY KEY (kind, name)
) WITHOUT ROWID;

-- What was called otherwise before: receipts keep the name of their time.
CREATE TABLE renamings (
	seq  INTEGER PRIMARY KEY,
	kind TEXT NOT NULL,
	was  TEXT NOT NULL,
	name TEXT NOT NULL,
	upto INTEGER NOT NULL, -- the last receipt before it
	at   INTEGER NOT NULL
);

-- How many known files and intents there are, kept by the triggers below: counting a million rows takes half a second.
CREATE TABLE counts (
	folder      TEXT NOT NULL,
	destination TEXT NOT NULL,
	known       INTEGER,
	intents     INTEGER,
	PRIMARY KEY (folder, destination)
) WITHOUT ROWID;
-- A file that has got another name is recognised by its size and inode, one that was copied by size and content.
CREATE INDEX known_size ON known (folder, destination, size, ino);
CREATE TRIGGER known_more AFTER INSERT ON known BEGIN
	INSERT INTO counts VALUES (new.folder, new.destination, 1, 0)
	ON CONFLICT (folder, destination) DO UPDATE SET known = known + 1;
END;
CREATE TRIGGER known_fewer AFTER DELETE ON known BEGIN
	UPDATE counts SET known = known - 1 WHERE folder = old.folder AND destination = old.destination;
END;
CREATE TRIGGER intents_more AFTER INSERT ON intents BEGIN
	INSERT INTO counts VALUES (new.folder, new.destination, 0, 1)
	ON CONFLICT (folder, destination) DO UPDATE SET intents = intents + 1;
END;
CREATE TRIGGER intents_fewer AFTER DELETE ON intents BEGIN
	UPDATE counts SET intents = intents - 1 WHERE folder = old.folder AND destination = old.destination;
END;
`, `
-- A row that takes the place of another would change the ledger as well: SQLite runs no trigger of a deletion for that.
CREATE TRIGGER deliveries_last BEFORE INSERT ON deliveries
WHEN EXISTS (SELECT 1 FROM deliveries WHERE id = new.id OR seq = new.seq)
BEGIN SELECT RAISE(ABORT, 'a receipt is never replaced'); END;
CREATE TRIGGER removals_last BEFORE INSERT ON removals
WHEN EXISTS (SELECT 1 FROM removals WHERE id = new.id OR seq = new.seq)
BEGIN SELECT RAISE(ABORT, 'the record of a removal is never replaced'); END;

-- What probes have found out about the servers of destinations. seen is the order in which they were written down.
ALTER TABLE capabilities RENAME TO capabilities_of_one;
CREATE TABLE capabilities (
	destination TEXT NOT NULL,
	identity    TEXT NOT NULL, -- of the server and account
	json        BLOB,
	seen        INTEGER NOT NULL,
	PRIMARY KEY (destination, identity)
) WITHOUT ROWID;
INSERT INTO capabilities SELECT destination, identity, json, 0 FROM capabilities_of_one;
DROP TABLE capabilities_of_one;

-- Temps that could not be removed, and when that is tried again.
CREATE TABLE unswept (
	id           TEXT NOT NULL PRIMARY KEY REFERENCES sweeps (id) ON DELETE CASCADE,
	tries        INTEGER NOT NULL,
	next_attempt INTEGER NOT NULL
) WITHOUT ROWID;

-- Earlier versions that stand at names of their own while newer ones take their places, where a server replaces in two steps.
CREATE TABLE asides (
	destination TEXT NOT NULL,
	name        TEXT NOT NULL, -- remote path, as is the next
	final       TEXT NOT NULL, -- where it was
	intent      TEXT NOT NULL, -- that was to replace it
	upto        INTEGER NOT NULL, -- the last receipt before that
	PRIMARY KEY (destination, name)
) WITHOUT ROWID;
`, `
-- What the root of a folder was, and the numbers that its file system has had: they may change when the machine is started.
CREATE TABLE roots (
	folder TEXT NOT NULL,
	root   TEXT NOT NULL,
	dev    INTEGER NOT NULL,
	ino    INTEGER NOT NULL,
	born   INTEGER NOT NULL, -- when the directory was made
	at     INTEGER NOT NULL,
	PRIMARY KEY (folder, root, dev, ino, born)
) WITHOUT ROWID;
-- Where file systems were seen mounted in a folder.
CREATE TABLE mounts (
	folder TEXT NOT NULL,
	root   TEXT NOT NULL,
	path   TEXT NOT NULL,
	PRIMARY KEY (folder, root, path)
) WITHOUT ROWID;
-- What the marker in the root says.
ALTER TABLE marks ADD COLUMN id TEXT NOT NULL DEFAULT '';
`, `
-- Destinations that take several names for one, and their keys of the names of what is known there or under way. What
-- has gone meanwhile may still be in it.
CREATE TABLE folding (
	destination TEXT NOT NULL PRIMARY KEY,
	by_case     INTEGER NOT NULL,
	by_form     INTEGER NOT NULL -- of letters with accents
) WITHOUT ROWID;
CREATE TABLE spellings (
	destination TEXT NOT NULL,
	key         TEXT NOT NULL,
	folder      TEXT NOT NULL,
	path        TEXT NOT NULL,
	PRIMARY KEY (destination, key, folder, path)
) WITHOUT ROWID;
-- Intents that are held because the destination takes the name of another file for theirs.
CREATE TABLE collisions (
	intent TEXT NOT NULL PRIMARY KEY REFERENCES intents (id) ON DELETE CASCADE,
	path   TEXT NOT NULL
) WITHOUT ROWID;
CREATE TRIGGER collisions_end AFTER UPDATE OF phase ON intents WHEN new.phase <> 'held' BEGIN
	DELETE FROM collisions WHERE intent = new.id;
END;
`, `
-- Whose turn it is: see Turn. place is NULL where intents go in the order of planning, dir, of the file, where nothing in
-- its folder goes last.
ALTER TABLE intents ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE intents ADD COLUMN place INTEGER;
ALTER TABLE intents ADD COLUMN dir TEXT;
DROP INDEX intents_due;
CREATE INDEX intents_due ON intents (phase, destination, next_attempt, turn);
CREATE INDEX intents_placed ON intents (destination, folder, turn, phase, next_attempt, place, path) WHERE place IS NOT NULL;
CREATE INDEX intents_last ON intents (destination, folder, turn, dir, place, path, phase)
	WHERE dir IS NOT NULL AND phase NOT IN ('delivered', 'cancelled');
CREATE INDEX intents_lined ON intents (destination, folder, place, path) WHERE turn >= 3 AND phase NOT IN ('delivered', 'cancelled');

-- The rules by which the turns of a folder's intents were given: see Arrange.
CREATE TABLE orders (
	folder TEXT NOT NULL PRIMARY KEY,
	rules  TEXT NOT NULL
) WITHOUT ROWID;
`, `
-- Intents that a person has stopped by their ids, and not their routes.
CREATE TABLE paused (
	intent TEXT NOT NULL PRIMARY KEY REFERENCES intents (id) ON DELETE CASCADE,
	since  INTEGER NOT NULL
) WITHOUT ROWID;
`, `
-- What a folder was halted by, as it was then; -1 where an earlier version did not note it.
ALTER TABLE halts ADD COLUMN began INTEGER NOT NULL DEFAULT 0;       -- count
ALTER TABLE halts ADD COLUMN allowed INTEGER NOT NULL DEFAULT -1;    -- removals: max_delete, or what a person had accepted
ALTER TABLE halts ADD COLUMN max_delete INTEGER NOT NULL DEFAULT -1;
UPDATE halts SET began = count;
`, `
-- Why attempts at an intent have failed: the first of them, and the last ones. They stay beside its receipt.
CREATE TABLE failures (
	intent TEXT NOT NULL,
	n      INTEGER NOT NULL, -- of its failures
	at     INTEGER NOT NULL,
	error  TEXT NOT NULL,
	aside  TEXT NOT NULL, -- 'held' or 'parked' where it was set aside for it
	PRIMARY KEY (intent, n)
) WITHOUT ROWID;
CREATE TRIGGER failures_end AFTER DELETE ON intents WHEN EXISTS (SELECT 1 FROM failures WHERE intent = old.id) BEGIN
	DELETE FROM failures WHERE intent = old.id AND NOT EXISTS (SELECT 1 FROM deliveries WHERE id = old.id);
END;
-- When the file was found ready; 0 where an earlier version has written the receipt.
ALTER TABLE deliveries ADD COLUMN ready_at INTEGER NOT NULL DEFAULT 0;
`, `
-- What stands at the final names of intents that are held because of it.
CREATE TABLE conflicts (
	intent TEXT NOT NULL PRIMARY KEY REFERENCES intents (id) ON DELETE CASCADE,
	kind   TEXT NOT NULL, -- 'file', 'directory' or 'other'
	size   INTEGER NOT NULL,
	mtime  INTEGER NOT NULL,
	sha256 BLOB,
	ours   BLOB -- SHA-256 of what was to be published
) WITHOUT ROWID;
CREATE TRIGGER conflicts_end AFTER UPDATE OF phase ON intents WHEN new.phase <> 'held' BEGIN
	DELETE FROM conflicts WHERE intent = new.id;
END;
`, `
-- Of what files consist that may be sent again: see package chunk.
CREATE TABLE chunks (
	sha256 BLOB NOT NULL PRIMARY KEY, -- of the content
	bytes  INTEGER NOT NULL,          -- of the index
	saved  INTEGER NOT NULL,
	until  INTEGER NOT NULL,          -- it is kept until then, and longer where what is known has the content
	data   BLOB NOT NULL              -- last: who looks for old ones does not read it
);
-- Files that are sent whole for a while, whatever of them has changed.
CREATE TABLE whole (
	folder      TEXT NOT NULL,
	path        TEXT NOT NULL,
	destination TEXT NOT NULL,
	until       INTEGER NOT NULL,
	reason      TEXT NOT NULL,
	PRIMARY KEY (folder, path, destination)
) WITHOUT ROWID;
-- 1: the server was asked to copy to the temp. A connection that is given up may still do so.
ALTER TABLE intents ADD COLUMN patched INTEGER NOT NULL DEFAULT 0;
-- Bytes of the content that the server had already, so that they were not sent.
ALTER TABLE intents ADD COLUMN spared INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN spared INTEGER NOT NULL DEFAULT 0;
`, `
-- When the file was first seen, and when it had settled; 0 where that is not known.
ALTER TABLE intents ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE intents ADD COLUMN settled_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN settled_at INTEGER NOT NULL DEFAULT 0;
`, `
-- What a destination may have already, under another name: see SizedLike.
CREATE INDEX deliveries_size ON deliveries (size, destination) WHERE size >= 131072;
-- How fast destinations were: see Rate.
CREATE TABLE rates (
	destination TEXT NOT NULL,
	what        TEXT NOT NULL,
	rate        INTEGER NOT NULL, -- bytes in a second
	at          INTEGER NOT NULL, -- when it was last learned
	PRIMARY KEY (destination, what)
) WITHOUT ROWID;
`}
