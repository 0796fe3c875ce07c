#!/bin/sh
# Signs a program or package of Windows in place, by osslsigncode: sign.sh FILE
#   DROPFERRY_SIGN_PFX             the certificate with its key, PKCS#12; without it nothing is signed
#   DROPFERRY_SIGN_PASSWORD_FILE   a file that holds its password
#   DROPFERRY_SIGN_TIMESTAMP_URL   who says when it was signed, so that it holds after the certificate's end
set -eu

[ $# = 1 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 4; }
[ -n "${DROPFERRY_SIGN_PFX:-}" ] || exit 0
file=$1
set -- -pkcs12 "$DROPFERRY_SIGN_PFX" -h sha256 -n dropferry -i https://github.com/dropferry/dropferry
[ -z "${DROPFERRY_SIGN_PASSWORD_FILE:-}" ] || set -- "$@" -readpass "$DROPFERRY_SIGN_PASSWORD_FILE"
[ -z "${DROPFERRY_SIGN_TIMESTAMP_URL:-}" ] || set -- "$@" -ts "$DROPFERRY_SIGN_TIMESTAMP_URL"
osslsigncode sign "$@" -in "$file" -out "$file.signed" >&2
mv "$file.signed" "$file"
