#!/bin/sh
# Runs in a clean, booted Debian without a network: installs the deb, uses it as docs/service.md says, upgrades, downgrades,
# purges, and installs the archive. Its last line is "all is well", or what went wrong.
set -eu

trap 'code=$?; [ $code = 0 ] || { echo "FAILED in: $doing"; journalctl --no-pager -u dropferry -u "dropferry@*" -n 40; }' EXIT
doing=start
step() {
	doing=$*
	echo "$*"
}
# is WHAT WANT GOT
is() { [ "$2" = "$3" ] || { echo "$1 is '$3', not '$2'"; exit 1; }; }
# has TEXT PART
has() { case $1 in *"$2"*) ;; *) echo "'$2' is not in: $1"; exit 1 ;; esac; }
# fails COMMAND...
fails() { if "$@" >/tmp/out 2>&1; then cat /tmp/out; echo "it did not fail: $*"; exit 1; fi; }
# eventually SECONDS COMMAND...
eventually() {
	left=$(($1 * 5))
	shift
	while ! "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ $left -gt 0 ] || { echo "it did not happen: $*"; exit 1; }
		sleep 0.2
	done
}
# hint PART: what doctor says to type, in /tmp/out, with that in it
hint() { sed -n 's/^ *-> //p' /tmp/out | grep -F -m 1 -- "$1"; }
property() { systemctl show -P "$2" "$1"; }
restarted() { [ "$(property dropferry MainPID)" != "$1" ] && systemctl is-active -q dropferry; }

step "a partner's server"
useradd -m partner
mkdir -p /root/.ssh ~partner/.ssh ~partner/in
ssh-keygen -q -t ed25519 -N '' -f /root/key
cp /root/key.pub ~partner/.ssh/authorized_keys
# The line is slow while /slow is there.
cat >/usr/local/bin/sftp-server <<'EOF'
#!/bin/sh
if [ -e /slow ]; then
	perl -e '$| = 1; while (sysread STDIN, $b, 65536) { syswrite STDOUT, $b; select undef, undef, undef, 0.03 }' | exec /usr/lib/openssh/sftp-server
else
	exec /usr/lib/openssh/sftp-server
fi
EOF
chmod +x /usr/local/bin/sftp-server
sed -i 's#^Subsystem.*#Subsystem sftp /usr/local/bin/sftp-server#' /etc/ssh/sshd_config
chown -R partner: ~partner
chmod 700 ~partner/.ssh
systemctl restart ssh
host_key=$(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d ' ' -f 2)

step "install: account, rights, enabled and not started"
dpkg -i /test/dropferry-1.0.0.deb
is "the version" "dropferry 1.0.0" "$(dropferry version | cut -d ' ' -f 1-2)"
is "the account's shell" /usr/sbin/nologin "$(getent passwd dropferry | cut -d : -f 7)"
is "/etc/dropferry" "root dropferry 750" "$(stat -c '%U %G %a' /etc/dropferry)"
is "/var/lib/dropferry" "dropferry dropferry 700" "$(stat -c '%U %G %a' /var/lib/dropferry)"
is "enabled" enabled "$(systemctl is-enabled dropferry)"
is "active" inactive "$(systemctl is-active dropferry || true)"
is "conffiles" /etc/dropferry/agent.toml.example "$(dpkg-query -W -f '${Conffiles}' dropferry | awk '{print $1}')"
dropferry -c /etc/dropferry/agent.toml.example check 2>&1 | grep -q 'agent.toml.example:' # of the keys that nobody has made
systemctl start dropferry # the example is no configuration: that is no failure, and nothing runs
is "active with the example only" inactive "$(systemctl is-active dropferry || true)"
has "$(dropferry service status)" "there is no configuration at /etc/dropferry/agent.toml"
fails dropferry service start
has "$(cat /tmp/out)" "there is no configuration"

step "the unit, by systemd"
systemd-analyze verify --man=no dropferry.service dropferry@x.service
systemd-analyze security --threshold=20 dropferry.service | tail -n 1

step "the quickstart of docs/service.md, word for word, by somebody who may use sudo"
useradd --system erp
useradd -m admin
echo "127.0.1.1 $(hostname)" >>/etc/hosts # which sudo looks for
echo 'admin ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/admin
page=/usr/share/doc/dropferry/service.md
# block N: what stands between the fences of the page, for the Nth time
block() { awk -v want="$1" '/^```/ { if (on) { on = 0; next } on = 1; n++; next } on && n == want' "$page"; }
# types N: a person types it
types() {
	block "$1" | sed "s#trust acme#trust acme --fingerprint $host_key#" >/tmp/block
	[ -s /tmp/block ] || { echo "the page has no block $1"; exit 1; }
	runuser -u admin -- sh -ec "cd; . /tmp/block"
}
has "$(block 1)" "sudo dpkg -i dropferry_" # as above
install -d -o erp -g erp -m 2775 /srv/erp/out
types 2 >/tmp/out
has "$(cat /tmp/out)" "ssh-ed25519 "
grep '^ssh-ed25519 ' /tmp/out >>~partner/.ssh/authorized_keys
install -d -o partner -g partner ~partner/incoming
block 3 | sed 's#"sftp.acme.example"#"127.0.0.1"#; s#"contoso"#"partner"#' >/etc/dropferry/agent.toml
# What the page shows behind `systemctl edit` is typed into the editor.
block 4 | sed -n 's/.*#\( and add: \)\? *\(\[Service\]\|ReadWritePaths=.*\)$/\2/p' >/tmp/typed
is "what is added to the unit" "[Service] ReadWritePaths=/srv/erp" "$(tr '\n' ' ' </tmp/typed | sed 's/ $//')"
printf '#!/bin/sh\nfor file; do :; done\nsed -i "2r /tmp/typed" "$file"\n' >/usr/local/bin/editor
chmod +x /usr/local/bin/editor
block 4 >/tmp/block
runuser -u admin -- script -qec "sh -e /tmp/block" /dev/null </dev/null >/tmp/out 2>&1 || { cat /tmp/out; exit 1; }
types 5 >/tmp/out 2>&1 || { cat /tmp/out; exit 1; }
has "$(cat /tmp/out)" "Active: active (running)"
runuser -u erp -- sh -c 'echo quick >/srv/erp/out/q.xml'
eventually 60 test -e ~partner/incoming/q.xml
eventually 30 test -e "/srv/erp/sent/$(date -u +%Y/%m)/q.xml"
for words in status history "explain /srv/erp/out/q.xml"; do
	# shellcheck disable=SC2086 # they are words
	has "$(runuser -u admin -- sudo dropferry $words)" invoices
done
systemctl stop dropferry
rm -r /etc/systemd/system/dropferry.service.d /srv/erp ~partner/incoming /etc/dropferry/keys /etc/dropferry/agent.toml /usr/local/bin/editor
find /var/lib/dropferry -mindepth 1 -delete
systemctl daemon-reload

step "configure, as docs/service.md says"
mkdir /srv/erp
install -d -o erp -g erp -m 2775 /srv/erp/out
setfacl -R -m u:dropferry:rwX,d:u:dropferry:rwX /srv/erp/out
install -d -o dropferry -g erp -m 2750 /srv/erp/sent
is "the folder of its producers" "erp erp 2775" "$(stat -c '%U %G %a' /srv/erp/out)"
install -d -o dropferry -g dropferry -m 700 /etc/dropferry/keys
runuser -u dropferry -- ssh-keygen -q -t ed25519 -N '' -C dropferry -f /etc/dropferry/keys/acme_ed25519
cat /etc/dropferry/keys/acme_ed25519.pub >>~partner/.ssh/authorized_keys
cat >/etc/dropferry/agent.toml <<'EOF'
version = 1
[agent]
shutdown_grace = "1s"
[defaults]
stable_for = "500ms"
[[destination]]
name = "acme"
host = "127.0.0.1"
user = "partner"
key_file = "keys/acme_ed25519"
root = "in"
[[folder]]
name = "invoices"
path = "/srv/erp/out"
after = "archive"
archive = "/srv/erp/sent/{folder}"
checkpoint = { size = "1MiB", every = "200ms" }
to = ["acme"]
EOF
chmod 640 /etc/dropferry/agent.toml
chgrp dropferry /etc/dropferry/agent.toml
cp /etc/dropferry/agent.toml /root/agent.toml
dropferry -c /etc/dropferry/agent.toml trust acme --fingerprint "$host_key"
is "known_hosts" dropferry "$(stat -c %U /var/lib/dropferry/known_hosts)"
fails dropferry doctor
has "$(cat /tmp/out)" "the unit dropferry leaves /srv/erp/out read-only"
has "$(cat /tmp/out)" "looking with the rights of dropferry"
mend=$(hint ReadWritePaths)
sed 's#^\[agent\]#&\nstate_dir = "/srv/state"#; s#^path = .*#path = "/tmp/out"#' /root/agent.toml >/etc/dropferry/agent.toml
fails dropferry doctor --as-is --offline
has "$(cat /tmp/out)" "the unit dropferry leaves /srv/state read-only"
has "$(cat /tmp/out)" "does not see /tmp/out"
cp /root/agent.toml /etc/dropferry/agent.toml
sh -ec "$mend" # as it stands
is "what the unit may write" "-/srv/erp" "$(property dropferry ReadWritePaths)"
printf 'a secret\n' | dropferry -c /etc/dropferry/agent.toml secret set unused
is "the secret" "dropferry 600" "$(stat -c '%U %a' /var/lib/dropferry/secrets/unused)"
dropferry -c /etc/dropferry/agent.toml check --connect acme | grep -q 'ok  *login'

step "start, deliver, archive"
dropferry service start
is "active" active "$(systemctl is-active dropferry)"
has "$(property dropferry StatusText)" "folders: 1, destinations: 1"
is "the account" dropferry "$(ps -o user= -p "$(property dropferry MainPID)" | tr -d ' ')"
is "its capabilities" 0000000000000000 "$(sed -n 's/^CapPrm:\t//p' "/proc/$(property dropferry MainPID)/status")"
runuser -u erp -- sh -c 'echo "first invoice" >/srv/erp/out/a.xml'
eventually 30 test -e ~partner/in/a.xml
is "the content" "first invoice" "$(cat ~partner/in/a.xml)"
eventually 30 test -e /srv/erp/sent/invoices/a.xml
is "who put it there" erp "$(stat -c %U /srv/erp/sent/invoices/a.xml)"
is "the archive" "dropferry erp 2750" "$(stat -c '%U %G %a' /srv/erp/sent/invoices)"
is "the archive for its producers" "first invoice" "$(runuser -u erp -- cat /srv/erp/sent/invoices/a.xml)"
has "$(dropferry -c /etc/dropferry/agent.toml history)" a.xml
is "priority of the line in the journal" 6 "$(journalctl -u dropferry -o json --output-fields=PRIORITY,MESSAGE | grep 'msg=delivered' | tail -n 1 | sed 's/.*"PRIORITY":"\([0-9]\)".*/\1/')"
has "$(dropferry service status)" "service dropferry: running, pid $(property dropferry MainPID), as dropferry, started with the system"
dropferry doctor # root's -c is found: /etc/dropferry/agent.toml

step "reload, and a reload that is refused"
sed -i 's/^stable_for.*/stable_for = "600ms"/' /etc/dropferry/agent.toml
systemctl reload dropferry
journalctl -u dropferry | grep -q 'configuration reloaded'
echo 'nonsense = 1' >>/etc/dropferry/agent.toml
fails systemctl reload dropferry
journalctl -u dropferry | grep -q 'unknown key'
is "active" active "$(systemctl is-active dropferry)"
cp /root/agent.toml /etc/dropferry/agent.toml
chgrp dropferry /etc/dropferry/agent.toml

step "an agent that hangs is started anew"
printf '[Service]\nWatchdogSec=3s\nTimeoutAbortSec=1s\nRestartSec=100ms\n' >/etc/systemd/system/dropferry.service.d/hasty.conf
systemctl daemon-reload
systemctl restart dropferry
pid=$(property dropferry MainPID)
sleep 5 # it gives signs of life
is "the process after five seconds" "$pid" "$(property dropferry MainPID)"
kill -STOP "$pid"
eventually 20 restarted "$pid"
journalctl -u dropferry | grep -q 'Watchdog timeout'
rm /etc/systemd/system/dropferry.service.d/hasty.conf
systemctl daemon-reload

step "a configuration that is wrong is not tried again and again"
echo 'nonsense = 1' >>/etc/dropferry/agent.toml
fails systemctl restart dropferry
is "active" failed "$(systemctl is-active dropferry || true)"
has "$(dropferry service status)" "failed"
has "$(dropferry service status)" "exit code 5"
is_error() { journalctl -u dropferry -p err -o cat | grep -q '^dropferry: .*unknown key "nonsense"'; }
eventually 10 is_error
cp /root/agent.toml /etc/dropferry/agent.toml
chgrp dropferry /etc/dropferry/agent.toml
systemctl restart dropferry

step "a second agent, with a secret that root keeps"
sed -e 's/invoices/second/; s#/srv/erp/out#/srv/two#; s#^after.*##; s#^archive.*##; s#root = "in"#root = "two"#' /root/agent.toml >/etc/dropferry/two.toml
sed -i 's#^key_file.*#password = { credential = "acme-pass" }#' /etc/dropferry/two.toml
mkdir /srv/two ~partner/two
chown partner: ~partner/two
echo partner:a-password | chpasswd
install -m 600 /dev/null /etc/dropferry/acme-pass
printf a-password >/etc/dropferry/acme-pass
mkdir /etc/systemd/system/dropferry@two.service.d
printf '[Service]\nLoadCredential=acme-pass:/etc/dropferry/acme-pass\n' >/etc/systemd/system/dropferry@two.service.d/secrets.conf
systemctl daemon-reload
dropferry -c /etc/dropferry/two.toml trust acme --fingerprint "$host_key"
systemctl enable -q --now dropferry@two
fails dropferry -c /etc/dropferry/two.toml check --connect # which nobody hands the secret to
has "$(cat /tmp/out)" "secret set acme-pass"
has "$(systemd-run --quiet --pipe --wait -p User=dropferry -p LoadCredential=acme-pass:/etc/dropferry/acme-pass \
	dropferry -c /etc/dropferry/two.toml check --connect)" "login"
echo two >/srv/two/b.xml
eventually 30 test -e ~partner/two/b.xml
is "its state" "dropferry 700" "$(stat -c '%U %a' /var/lib/dropferry-two)"
test -e /var/lib/dropferry-two/dropferry.db
has "$(dropferry -c /etc/dropferry/two.toml status)" "is running"
fails dropferry service start --name dropferry@agent
has "$(cat /tmp/out)" "choose another name"
systemctl start dropferry@agent # it is not, and nothing tries again
is "an agent of dropferry's configuration" inactive "$(systemctl is-active dropferry@agent || true)"
rm -rf /var/lib/dropferry-agent # as systemd has made it

step "upgrade in mid-upload"
touch /slow
systemctl restart dropferry
head -c 24000000 /dev/urandom >/srv/erp/large.tmp
mv /srv/erp/large.tmp /srv/erp/out/large.bin
chown erp: /srv/erp/out/large.bin
sum=$(sha256sum </srv/erp/out/large.bin)
under_way() { [ "$(find ~partner/in -name '.*' -type f -size +4M | wc -l)" = 1 ]; }
eventually 60 under_way
inode=$(find ~partner/in -name '.*' -type f -printf '%i')
test ! -e ~partner/in/large.bin
echo '# a line of mine' >>/etc/dropferry/agent.toml.example
pid=$(property dropferry MainPID)
dpkg -i /test/dropferry-1.1.0.deb
is "the version" "dropferry 1.1.0" "$(dropferry version | cut -d ' ' -f 1-2)"
eventually 20 restarted "$pid"
rm /slow
eventually 90 test -e ~partner/in/large.bin
is "the content" "$sum" "$(sha256sum <~partner/in/large.bin)"
is "the file that was begun before the upgrade" "$inode" "$(stat -c %i ~partner/in/large.bin)"
eventually 30 test -e /srv/erp/sent/invoices/large.bin
is "receipts of it" 1 "$(dropferry -c /etc/dropferry/agent.toml history | grep -c large.bin)"
is "the configuration" "$(cat /root/agent.toml)" "$(cat /etc/dropferry/agent.toml)"
tail -n 1 /etc/dropferry/agent.toml.example | grep -q 'a line of mine'
is "copies of the store" 1 "$(find /var/lib/dropferry -name 'dropferry.db.before-v*' | wc -l)"
is "the second agent" active "$(systemctl is-active dropferry@two)"

step "what a person has stopped stays so in an upgrade, and policy-rc.d is asked"
systemctl stop dropferry
dpkg -i /test/dropferry-1.1.0.deb
is "active" inactive "$(systemctl is-active dropferry || true)"
systemctl start dropferry
pid=$(property dropferry MainPID)
[ ! -e /usr/sbin/policy-rc.d ] || mv /usr/sbin/policy-rc.d /root/policy-rc.d
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
dpkg -i /test/dropferry-1.1.0.deb 2>/dev/null
rm /usr/sbin/policy-rc.d
[ ! -e /root/policy-rc.d ] || mv /root/policy-rc.d /usr/sbin/policy-rc.d
is "the process" "$pid" "$(property dropferry MainPID)"

step "downgrade: refused clearly, once, and possible"
dpkg -i /test/dropferry-1.0.0.deb 2>/dev/null
refused() { journalctl -u dropferry -n 20 | grep -q 'run the newer dropferry that wrote it'; }
eventually 20 refused
is "active" failed "$(systemctl is-active dropferry || true)"
has "$(dropferry service status)" "exit code 6"
systemctl stop dropferry dropferry@two
for dir in /var/lib/dropferry /var/lib/dropferry-two; do
	runuser -u dropferry -- sh -c "cd $dir && mkdir newer && mv dropferry.db* newer && cp newer/dropferry.db.before-v* dropferry.db"
done
systemctl start dropferry dropferry@two
echo "after all" >/srv/erp/out/c.xml
eventually 30 test -e ~partner/in/c.xml

step "remove keeps configuration and state"
dpkg -r dropferry
is "active" inactive "$(systemctl is-active dropferry || true)"
is "the second agent" inactive "$(systemctl is-active dropferry@two || true)"
test ! -e /usr/bin/dropferry
test -e /etc/dropferry/agent.toml -a -e /var/lib/dropferry/dropferry.db -a -e /etc/dropferry/keys/acme_ed25519

step "installed again after that, it works with what there is"
dpkg -i /test/dropferry-1.0.0.deb
is "active" active "$(systemctl is-active dropferry)"
is "the second agent" active "$(systemctl is-active dropferry@two)"

step "purge leaves nothing but what a person has put there"
mkdir /var/lib/dropferry/sent
echo mine >/var/lib/dropferry/sent/a.xml
rm -r /etc/systemd/system/dropferry.service.d /etc/systemd/system/dropferry@two.service.d # which a person has made
rm /etc/dropferry/two.toml # its state and its link go all the same
mkdir /srv/far
printf 'version = 1\n[agent]\n  state_dir = "/srv/far" # elsewhere\n' >/etc/dropferry/far.toml
dpkg -P dropferry >/tmp/out 2>&1
has "$(cat /tmp/out)" "/srv/far stays"
rmdir /srv/far
fails getent passwd dropferry
fails getent group dropferry
is "a person's file" mine "$(cat /var/lib/dropferry/sent/a.xml)"
is "all that is left with it" sent "$(ls -A /var/lib/dropferry)"
rm -r /var/lib/dropferry
left=$(find / -xdev \( -path /test -o -path /proc -o -path /sys \) -prune -o -name '*dropferry*' ! -name 'dropferry-test.service' -print)
is "what is left" "" "$left"

step "the archive, by service install"
cp -r /test/dropferry-1.0.0-linux-* /root/unpacked
fails /root/unpacked/dropferry service install # which the service's account cannot run there
has "$(cat /tmp/out)" "install -m 755 /root/unpacked/dropferry /usr/local/bin/dropferry"
fails systemctl cat dropferry
mv /test/dropferry-1.0.0-linux-* /opt/dropferry
fails /opt/dropferry/dropferry service status --name nonsense
has "$(/opt/dropferry/dropferry service status)" "not installed"
/opt/dropferry/dropferry service install
is "the state before its first start" "dropferry dropferry 700" "$(stat -c '%U %G %a' /var/lib/dropferry)"
is "enabled" enabled "$(systemctl is-enabled dropferry)"
has "$(systemctl cat dropferry)" "ExecStart=/opt/dropferry/dropferry -c /etc/dropferry/agent.toml run"
install -d -o dropferry -g dropferry -m 700 /etc/dropferry/keys
install -o dropferry -g dropferry -m 600 /root/key /etc/dropferry/keys/acme_ed25519
sed 's/"archive"$/"keep"/; /^archive/d' /root/agent.toml >/etc/dropferry/agent.toml
rm -rf /srv/erp/out/*
echo again >/srv/erp/out/d.xml
/opt/dropferry/dropferry service start
/opt/dropferry/dropferry -c /etc/dropferry/agent.toml trust acme --fingerprint "$host_key"
eventually 90 test -e ~partner/in/d.xml
/opt/dropferry/dropferry service stop
is "active" inactive "$(systemctl is-active dropferry || true)"
/opt/dropferry/dropferry service install # once more changes nothing
has "$(/opt/dropferry/dropferry service install --account erp)" "usermod -a -G dropferry erp"
/opt/dropferry/dropferry service install
is "the account after that" erp "$(property dropferry User)"
fails /opt/dropferry/dropferry -c /etc/dropferry/agent.toml doctor --offline # erp cannot read its configuration yet
sh -ec "$(hint agent.toml)"
fails /opt/dropferry/dropferry -c /etc/dropferry/agent.toml doctor --offline
has "$(cat /tmp/out)" "looking with the rights of erp"
has "$(cat /tmp/out)" "key_file: "
printf 'version = 1\n' >/srv/elsewhere.toml
fails /opt/dropferry/dropferry -c /srv/elsewhere.toml service install
has "$(cat /tmp/out)" 'state_dir = "/var/lib/dropferry"'
sed -i '1a [agent]\nstate_dir = "/var/lib/dropferry"' /srv/elsewhere.toml
/opt/dropferry/dropferry -c /srv/elsewhere.toml service install
/opt/dropferry/dropferry service install # which leaves it so
has "$(systemctl cat dropferry)" "ExecStart=/opt/dropferry/dropferry -c /srv/elsewhere.toml run"
fails /opt/dropferry/dropferry -c /srv/elsewhere.toml doctor --offline
has "$(cat /tmp/out)" "service dropferry"
/opt/dropferry/dropferry service install --name dropferry@one
/opt/dropferry/dropferry service install --name dropferry@theirs --account erp
is "the account of one" dropferry "$(property dropferry@one User)"
is "the account of theirs" erp "$(property dropferry@theirs User)"
/opt/dropferry/dropferry service uninstall --name dropferry@theirs
/opt/dropferry/dropferry service uninstall --name dropferry@one
rm /etc/systemd/system/dropferry@.service # which stays, since others may use it
/opt/dropferry/dropferry service uninstall
fails systemctl cat dropferry
test -e /var/lib/dropferry/dropferry.db

step "an account that was there before the package stays"
dpkg -i /test/dropferry-1.0.0.deb
dpkg -P dropferry
getent passwd dropferry >/dev/null
test ! -e /var/lib/dropferry

step "a group of that name, and an account without one"
userdel dropferry
! getent group dropferry >/dev/null || groupdel dropferry
dpkg -i /test/dropferry-1.0.0.deb
usermod -a -G dropferry erp
dpkg -P dropferry
fails getent passwd dropferry
getent group dropferry >/dev/null # erp is in it
dpkg -i /test/dropferry-1.0.0.deb
is "its group" dropferry "$(id -gn dropferry)"
gpasswd -d erp dropferry
dpkg -P dropferry
fails getent group dropferry
useradd --system --no-user-group --gid nogroup dropferry
dpkg -i /test/dropferry-1.0.0.deb
is "its groups" "nogroup dropferry" "$(id -Gn dropferry)"
is "/etc/dropferry" "root dropferry 750" "$(stat -c '%U %G %a' /etc/dropferry)"
dpkg -P dropferry
getent passwd dropferry >/dev/null

doing=""
echo "all is well"
