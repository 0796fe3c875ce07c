#!/bin/sh
# Installs what the tests need on a Debian machine, or says what to install: needs.sh [packages|windows]
# With packages, also what `make packages` and `make test-packages` need; with windows, what `make test-windows` needs.
set -eu

missing=""
[ -x /usr/sbin/sshd ] || command -v sshd >/dev/null 2>&1 || missing="$missing openssh-server"
[ -x /usr/sbin/proftpd ] && [ -e /usr/lib/proftpd/mod_sftp.so ] || missing="$missing proftpd-core proftpd-mod-crypto"
[ -x /usr/sbin/dropbear ] || missing="$missing dropbear-bin"
command -v rclone >/dev/null 2>&1 || missing="$missing rclone"
command -v setfacl >/dev/null 2>&1 || missing="$missing acl"
command -v gcc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
command -v make >/dev/null 2>&1 || missing="$missing make"
command -v ssh-agent >/dev/null 2>&1 || missing="$missing openssh-client"
command -v tinyproxy >/dev/null 2>&1 || missing="$missing tinyproxy"
command -v microsocks >/dev/null 2>&1 || missing="$missing microsocks"
ls /usr/lib/*/security/pam_google_authenticator.so >/dev/null 2>&1 || missing="$missing libpam-google-authenticator"
command -v puttygen >/dev/null 2>&1 || missing="$missing putty-tools"
command -v groff >/dev/null 2>&1 || missing="$missing groff-base"
python3 -c 'import jsonschema, tomllib' 2>/dev/null || missing="$missing python3-jsonschema"
command -v tmux >/dev/null 2>&1 || missing="$missing tmux"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v promtool >/dev/null 2>&1 || missing="$missing prometheus"
command -v systemd-analyze >/dev/null 2>&1 || missing="$missing systemd"
if [ "${1:-}" = packages ]; then
	command -v rpmbuild >/dev/null 2>&1 || missing="$missing rpm"
	command -v zip >/dev/null 2>&1 || missing="$missing zip"
	command -v unzip >/dev/null 2>&1 || missing="$missing unzip"
	command -v mmdebstrap >/dev/null 2>&1 || missing="$missing mmdebstrap"
	command -v systemd-nspawn >/dev/null 2>&1 || missing="$missing systemd-container"
fi
if [ "${1:-}" = windows ]; then
	[ -x /usr/lib/wine/wine64 ] || command -v wine >/dev/null 2>&1 || missing="$missing wine wine64"
	command -v x86_64-w64-mingw32-gcc >/dev/null 2>&1 || missing="$missing gcc-mingw-w64-x86-64-win32"
fi
case ${1:-} in packages | windows)
	command -v wixl >/dev/null 2>&1 || missing="$missing wixl"
	command -v msibuild >/dev/null 2>&1 || missing="$missing msitools"
	command -v osslsigncode >/dev/null 2>&1 || missing="$missing osslsigncode"
	command -v openssl >/dev/null 2>&1 || missing="$missing openssl"
	;;
esac
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "installing:$missing"
	# The packaged servers are not to listen: the tests start servers of their own.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod +x "$policy"
		trap 'rm -f "$policy"' EXIT
	fi
	apt-get update -qq
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
	exit 0
fi
echo "The tests need:$missing" >&2
echo "Install it, on Debian or Ubuntu: sudo apt-get install$missing" >&2
exit 1
