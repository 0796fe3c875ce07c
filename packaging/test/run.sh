#!/bin/sh
# Tries the packages as a machine would: run.sh [PART...]; none is all of them:
#   same        builds everything twice, elsewhere and otherwise, and compares; looks into the packages; signs a program
#   deb         boots a clean Debian with systemd in a container, and has packaging/test/inside.sh install, use, upgrade,
#               downgrade and purge two versions there, and then install the archive
#   rpm         installs, upgrades and removes the rpm in such a Debian, where nothing runs
#   container   runs the program in what the Containerfile makes
# It needs root, and what `sh scripts/needs.sh packages` installs. Nothing is kept: ROOT_TAR names a tar file of a clean root
# to use instead of making one.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
parts=$(echo "${*:-same deb rpm container}" | tr , ' ')
for part in $parts; do
	case $part in same | deb | rpm | container) ;; *) sed -n '2,9s/^# //p' "$0" >&2; exit 4 ;; esac
done
cd "$root"
began=$(date +%s)
say() { echo "test-packages: $(($(date +%s) - began)) s: $*"; }
fail() { say "FAILED: $*"; exit 1; }
# wants PART...: is one of them asked for?
wants() {
	for one in "$@"; do
		case " $parts " in *" $one "*) return 0 ;; esac
	done
	return 1
}

[ "$(id -u)" = 0 ] || fail "it needs root, to make a clean system and to boot it in a container"
tools=dpkg-deb
! wants deb rpm || tools="$tools mmdebstrap"
! wants deb || tools="$tools systemd-nspawn"
! wants same rpm || tools="$tools rpmbuild"
! wants same || tools="$tools zip unzip openssl osslsigncode"
for tool in $tools; do
	command -v "$tool" >/dev/null || fail "no $tool here: sh scripts/needs.sh packages"
done

work=$(mktemp -d)
mounted=""
making=""
finish() {
	[ -z "$making" ] || kill "$making" 2>/dev/null || true
	[ -z "$mounted" ] || umount -l "$work/clean" || true
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP # which end a shell without that
mkdir "$work/clean"
# A root file system is made of thousands of small files that nobody wants to keep.
if mount -t tmpfs -o size=1500m dropferry-test "$work/clean" 2>/dev/null; then mounted=yes; fi
clean=$work/clean/root

if ! wants deb rpm; then
	:
elif [ -n "${ROOT_TAR:-}" ]; then
	tar -C "$work/clean" -xf "$ROOT_TAR"
else
	say "making a clean Debian meanwhile"
	mmdebstrap --quiet --variant=apt --include=systemd,systemd-sysv,dbus,openssh-server,acl,sudo --dpkgopt=force-unsafe-io \
		bookworm "$clean" >"$work/mmdebstrap.log" 2>&1 &
	making=$!
fi

export SOURCE_DATE_EPOCH=1790000000
arch=$(dpkg --print-architecture)
export PLATFORMS="linux/$arch"
kinds=""
if wants same; then
	PLATFORMS="$PLATFORMS windows/amd64"
else
	! wants deb || kinds="deb tar"
	! wants rpm || kinds="$kinds rpm"
	! wants container || kinds="$kinds container"
fi
say "building 1.0.0"
# shellcheck disable=SC2086 # they are words
VERSION=v1.0.0 sh packaging/build.sh "$work/one" $kinds 2>"$work/build.log" || { cat "$work/build.log"; fail "build"; }
if wants deb; then
	say "building 1.1.0, whose store has a newer schema"
	VERSION=v1.1.0 GOFLAGS=-tags=nextschema sh packaging/build.sh "$work/newer" deb 2>"$work/build.log" || { cat "$work/build.log"; fail "build"; }
fi

if wants same; then
	say "building 1.0.0 again, elsewhere and otherwise"
	mkdir "$work/copy"
	git ls-files -co --exclude-standard -z | xargs -0 cp --parents -t "$work/copy"
	(
		cd "$work/copy"
		umask 077
		find . -exec touch {} +
		VERSION=v1.0.0 TZ=Asia/Tokyo LC_ALL=C.UTF-8 HOSTNAME=elsewhere sh packaging/build.sh "$work/two" 2>"$work/build.log"
	) || { cat "$work/build.log"; fail "second build"; }
	diff -r "$work/one" "$work/two" || fail "two builds of the same sources differ"
	(cd "$work/one" && sha256sum --quiet -c SHA256SUMS) || fail "SHA256SUMS"

	# What can be seen without an installation.
	rpm=$(ls "$work"/one/*.rpm)
	deb=$(ls "$work"/one/*.deb)
	rpm -qp --scripts "$rpm" 2>/dev/null | sed 's/^[a-z]* scriptlet (using .bin.sh)://' | sh -n || fail "the scripts of the rpm"
	rpm -qpl "$rpm" 2>/dev/null | sort >"$work/rpm.list"
	dpkg-deb -c "$deb" | sed -n 's/^-.* \.\//\//p' | sort >"$work/deb.list"
	for place in $(sed -n 's/^all .* \//\//p' packaging/files.txt); do
		grep -qx "$place" "$work/rpm.list" || fail "the rpm lacks $place"
		grep -qx "$place" "$work/deb.list" || fail "the deb lacks $place"
	done
	for name in completions/dropferry.bash completions/_dropferry completions/dropferry.fish completions/dropferry.ps1 man/dropferry.1 \
		man/dropferry-agent.toml.5 third-party-notices.txt LICENSE agent.toml.example agent.schema.json; do
		tar -tzf "$work"/one/*.tar.gz | grep -q "/$name\$" || fail "the archive lacks $name"
		case $name in
		man/*) ;;
		*) unzip -Z1 "$work"/one/*windows-amd64.zip | grep -q "/$name\$" || fail "the zip lacks $name" ;;
		esac
	done
	tar -tzf "$work"/one/*.tar.gz | grep -q "/docs/service.md\$" || fail "the archive lacks its page"
	unzip -Z1 "$work"/one/*windows-amd64.zip | grep -q "/docs/windows.md\$" || fail "the zip lacks its page"
	dpkg-deb -c "$deb" | grep -v ' root/root ' && fail "files of others than root are in the deb"
	if command -v lintian >/dev/null; then
		lintian --allow-root --fail-on error --suppress-tags statically-linked-binary "$deb" || fail "lintian"
	fi
	zip=$(ls "$work"/one/*windows-amd64.zip)
	unzip -tqq "$zip" || fail "the zip"
	unzip -qqj "$zip" '*/dropferry.exe' -d "$work/signing"
	(
		cd "$work/signing"
		openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=dropferry-test \
			-addext extendedKeyUsage=codeSigning
		openssl pkcs12 -export -inkey key.pem -in cert.pem -passout pass:a-password -out cert.pfx
		printf a-password >password
		DROPFERRY_SIGN_PFX=cert.pfx DROPFERRY_SIGN_PASSWORD_FILE=password sh "$root/packaging/sign.sh" dropferry.exe
		osslsigncode verify -CAfile cert.pem dropferry.exe
	) >"$work/signing.log" 2>&1 || { cat "$work/signing.log"; fail "signing"; }
fi

if [ -n "$making" ]; then
	say "waiting for the clean Debian"
	wait "$making" || { cat "$work/mmdebstrap.log"; fail "mmdebstrap"; }
	making=""
fi

if wants deb; then
	say "booting it"
	mkdir -p "$clean/test"
	cp "$work"/one/*.deb "$clean/test/dropferry-1.0.0.deb"
	cp "$work"/newer/*.deb "$clean/test/dropferry-1.1.0.deb"
	tar -C "$clean/test" -xzf "$work"/one/dropferry-1.0.0-linux-*.tar.gz
	cp "$here/inside.sh" "$clean/test/inside.sh"
	cat >"$clean/etc/systemd/system/dropferry-test.service" <<'EOF'
[Unit]
After=multi-user.target ssh.service
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStart=/bin/sh /test/inside.sh
StandardOutput=file:/test/log
StandardError=inherit
TimeoutStartSec=360
EOF
	mkdir -p "$clean/etc/systemd/system/default.target.wants"
	ln -s ../dropferry-test.service "$clean/etc/systemd/system/default.target.wants/dropferry-test.service"
	timeout 420 systemd-nspawn --quiet --directory="$clean" --boot --private-network --register=no --keep-unit \
		--machine="dropferry-test-$$" --console=pipe </dev/null >"$work/console" 2>&1 || true
	if [ -e "$clean/test/log" ]; then sed 's/^/  /' "$clean/test/log"; else tail -40 "$work/console"; fi
	[ "$(tail -n 1 "$clean/test/log" 2>/dev/null)" = "all is well" ] || fail "inside the container"
fi

if wants rpm; then
	say "the rpm, where nothing runs"
	rpm=$(ls "$work"/one/*.rpm)
	into() { rpm --root "$clean" --nodeps "$@" >>"$work/rpm.log" 2>&1 || { cat "$work/rpm.log"; fail "rpm $1"; }; }
	looked() { [ "$(chroot "$clean" stat -c '%U %G %a' "$2")" = "$1" ] || fail "$2 of the rpm is not '$1'"; }
	chroot "$clean" userdel dropferry 2>/dev/null || true # as the deb has left it
	into -i "$rpm"
	into -V dropferry
	looked "root dropferry 750" /etc/dropferry
	looked "dropferry dropferry 700" /var/lib/dropferry
	chroot "$clean" systemctl --quiet is-enabled dropferry || fail "the rpm does not enable the service"
	chroot "$clean" dropferry version | grep -q '^dropferry 1.0.0 ' || fail "the program of the rpm"
	echo 'version = 1' >"$clean/etc/dropferry/agent.toml"
	into -U --replacepkgs "$rpm"
	chroot "$clean" systemctl --quiet is-enabled dropferry || fail "an upgrade of the rpm disables the service"
	into -e dropferry
	[ ! -e "$clean/usr/bin/dropferry" ] || fail "the rpm leaves its program"
	[ -e "$clean/etc/dropferry/agent.toml" ] || fail "the rpm takes a person's configuration away"
	chroot "$clean" systemctl --quiet is-enabled dropferry 2>/dev/null && fail "the rpm leaves its service enabled"
fi

if wants container; then
	say "the container of the Containerfile"
	image=$work/image
	mkdir -p "$image/etc" "$image/usr/bin" "$image/var/lib" "$image/etc/dropferry" "$image/srv/out" "$image/proc" "$work/outbox" "$work/config"
	grep '^COPY ' packaging/container/Containerfile | while read -r _ sources; do
		owner=root
		case $sources in --chown=*) owner=${sources%% *} owner=${owner#--chown=} sources=${sources#* } ;; esac
		target=${sources##* }
		case $target in
		*/) install -D -t "$image$target" $(for f in ${sources% *}; do echo "$work/one/container/linux-$arch/$f"; done) ;;
		*)
			cp -r "$work/one/container/linux-$arch/${sources% *}" "$image$target"
			chown -R "$owner" "$image$target"
			;;
		esac
	done
	volume=$(sed -n 's/^VOLUME //p' packaging/container/Containerfile)
	cp -a "$image$volume" "$work/state" # a new volume is a copy of what the image has there
	cat >"$work/config/agent.toml" <<'EOF'
version = 1
[[destination]]
name = "acme"
host = "127.0.0.1"
port = 9
user = "nobody"
password = { file = "password" }
host_key = ["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
[[folder]]
name = "out"
path = "/srv/out"
to = ["acme"]
EOF
	echo none >"$work/config/password"
	chmod 600 "$work/config/password"
	chown 65532:65532 "$work/config/password"
	echo a >"$work/outbox/a.txt"
	user=$(sed -n 's/^USER \([0-9]*\):.*/\1/p' packaging/container/Containerfile)
	[ "$user" = 65532 ] || fail "the Containerfile's account is $user"
	# What an engine does with `run --read-only --network=none`.
	code=0
	image=$image work=$work unshare --mount --net --pid --fork --kill-child sh -euc '
		mount --bind "$image" "$image"
		mount -o remount,bind,ro "$image"
		mount -t proc proc "$image/proc"
		mount --bind "$work/state" "$image/var/lib/dropferry"
		mount --bind "$work/config" "$image/etc/dropferry"
		mount --bind "$work/outbox" "$image/srv/out"
		exec timeout 60 chroot --userspec=65532:65532 "$image" /usr/bin/dropferry -c /etc/dropferry/agent.toml once --json
	' >"$work/container.log" 2>&1 || code=$?
	# Its one file waits for a server that is not there, and that is in the state.
	[ $code = 14 ] || { cat "$work/container.log"; fail "the container does not run: exit code $code"; }
	[ "$(stat -c %u "$work/state/dropferry.db")" = 65532 ] || fail "the container keeps no state"
fi

say "all is well"
