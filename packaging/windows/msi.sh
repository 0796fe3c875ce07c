#!/bin/sh
# Makes the Windows package: msi.sh VERSION PROGRAM.exe OUT.msi
# It needs wixl and msibuild (Debian: wixl, msitools). With a certificate the package is signed: see ../sign.sh; the program is
# taken as it is. Times are SOURCE_DATE_EPOCH, if that is set.
set -eu

export LC_ALL=C TZ=UTC
[ $# = 3 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 4; }
version=$1 program=$2 out=$3
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)

# The installer compares three numbers, and nothing else. A build that no version stands for has the day of its commit as the third,
# so that a later one replaces an earlier one, and any version all of them.
numbers=$(printf '%s\n' "$version" | sed -nE 's/^v?([0-9]+)\.([0-9]+)\.([0-9]+).*/\1.\2.\3/p')
numbers=${numbers:-0.0.$((${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || echo 0)} / 86400))}

# guid makes an id that is the same whenever it is made of the same words.
guid() {
	printf '%s' "$*" | sha256sum | sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\1-\2-5\3-8\4-\5/' | tr a-f A-F
}

# query changes the package's tables where wixl has no words for it.
query() { msibuild "$out" -q "$1"; }

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
cp "$program" "$stage/dropferry.exe"
cp "$root/agent.toml.example" "$stage/agent.toml.example"
cp "$root/agent.schema.json" "$stage/agent.schema.json"
cp "$root/docs/windows.md" "$root/docs/troubleshooting.md" "$stage"
cp "$root/LICENSE" "$stage/LICENSE.txt"
(cd "$root" && go run ./packaging/notices) >"$stage/third-party-notices.txt"
(cd "$root" && go run ./cmd/dropferry completion powershell) >"$stage/dropferry.ps1"
[ -z "${SOURCE_DATE_EPOCH:-}" ] || touch -d "@$SOURCE_DATE_EPOCH" "$stage"/*

product=$(guid dropferry product "$version")
case $out in /*) ;; *) out=$(pwd)/$out ;; esac
(cd "$stage" && wixl -a x64 -D "Version=$numbers" -D "ProductCode=$product" -o "$out" "$here/dropferry.wxs")

# The same three numbers may stand for two builds on the way to a version: the later one replaces the earlier.
msiinfo export "$out" Upgrade | sed -E 's/	1(		WIX_UPGRADE_DETECTED)/	513\1/' >"$stage/Upgrade.idt"
msibuild "$out" -i "$stage/Upgrade.idt"
# The old version goes first, in the same transaction: else the installer takes a program without a version of Windows'
# kind for one that a person has changed, and keeps it.
query "UPDATE \`InstallExecuteSequence\` SET \`Sequence\`=1501 WHERE \`Action\`='RemoveExistingProducts'"
# The program's directory at the end of everybody's PATH. = sets, - removes with the package, * is the system's.
query "CREATE TABLE \`Environment\` (\`Environment\` CHAR(72) NOT NULL, \`Name\` CHAR(255) NOT NULL LOCALIZABLE, \`Value\` CHAR(255) LOCALIZABLE, \`Component_\` CHAR(72) NOT NULL PRIMARY KEY \`Environment\`)"
query "INSERT INTO \`Environment\` (\`Environment\`, \`Name\`, \`Value\`, \`Component_\`) VALUES ('Path', '=-*Path', '[~];[INSTALLDIR]', 'Program')"
query "INSERT INTO \`InstallExecuteSequence\` (\`Action\`, \`Condition\`, \`Sequence\`) VALUES ('RemoveEnvironmentStrings', '', 3300)"
query "INSERT INTO \`InstallExecuteSequence\` (\`Action\`, \`Condition\`, \`Sequence\`) VALUES ('WriteEnvironmentStrings', '', 5200)"
# If what follows fails, a service that was not there before goes too, and one that a person had installed is as it was; and those run
# again that were stopped. 18 a program of the package, 64 whatever its exit code, 256 in a rollback, 1024 deferred, 2048 as
# the system. A rollback goes backwards: each stands before what it undoes.
query "INSERT INTO \`CustomAction\` (\`Action\`, \`Type\`, \`Source\`, \`Target\`) VALUES ('UndoService', 3410, 'Exe', 'service install --undo')"
query "INSERT INTO \`InstallExecuteSequence\` (\`Action\`, \`Condition\`, \`Sequence\`) VALUES ('UndoService', 'NOT REMOVE', 4001)"
query "INSERT INTO \`CustomAction\` (\`Action\`, \`Type\`, \`Source\`, \`Target\`) VALUES ('UndoStop', 3410, 'Exe', 'service start --again')"
query "INSERT INTO \`InstallExecuteSequence\` (\`Action\`, \`Condition\`, \`Sequence\`) VALUES ('UndoStop', 'Installed', 1849)"
# An id of its own for each package, made of what is in it, and the times that were asked for.
msiinfo export "$out" _SummaryInformation | sed -E "s/^9	.*/9	{$(guid dropferry package "$version" "$(cat "$stage"/* | sha256sum)")}/" >"$stage/_SummaryInformation.idt"
[ -z "${SOURCE_DATE_EPOCH:-}" ] ||
	sed -i -E "s#^(12|13)	.*#\1	$(date -u -d "@$SOURCE_DATE_EPOCH" '+%Y/%m/%d %H:%M:%S')#" "$stage/_SummaryInformation.idt"
msibuild "$out" -i "$stage/_SummaryInformation.idt"
sh "$here/../sign.sh" "$out"
