#!/bin/sh
# Makes the packages: build.sh OUT [KIND...]
# KIND is deb, rpm, tar, zip, msi, container or manifests; none is all that this machine has the tools for. The environment
# says the rest:
#   VERSION              what `git describe` says; it is asked where nothing is given
#   SOURCE_DATE_EPOCH    the time that all files have, else that of the last commit
#   PLATFORMS            "linux/amd64 windows/amd64", else all
#   DROPFERRY_SIGN_PFX   a certificate for the programs and packages of Windows: see sign.sh
# The same sources, version and time make the same bytes.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/.." && pwd)
[ $# -ge 1 ] || { sed -n '2,9s/^# //p' "$0" >&2; exit 4; }
mkdir -p "$1"
out=$(CDPATH='' cd -- "$1" && pwd)
shift
cd "$root"

export LC_ALL=C TZ=UTC CGO_ENABLED=0
umask 022
VERSION=${VERSION:-$(git describe --tags --match 'v[0-9]*' --always --dirty)}
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}"
version=$(sh "$here/version.sh" "$VERSION")
packaged=$(sh "$here/version.sh" "$VERSION" package)
platforms=${PLATFORMS:-linux/amd64 linux/arm64 windows/amd64 windows/arm64 darwin/amd64 darwin/arm64}
kinds=${*:-deb rpm tar zip msi container manifests}
day=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%d)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stage=$work/stage

say() { echo "packages: $*" >&2; }

# wants KIND: is it to be made, and can it be?
wants() {
	case " $kinds " in *" $1 "*) ;; *) return 1 ;; esac
	[ -z "${2:-}" ] || command -v "$2" >/dev/null 2>&1 || { say "no $2 here, so no $1"; return 1; }
}

# program OS ARCH FILE builds the program.
program() {
	GOOS=$1 GOARCH=$2 go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.release=$version" -o "$3" ./cmd/dropferry
}

# aged gives all files of a directory the one time.
aged() { find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +; }

# common makes what all packages share.
common() {
	mkdir -p "$stage/completions" "$stage/man" "$stage/systemd" "$stage/launchd" "$stage/docs" "$stage/deb"
	program "$(go env GOHOSTOS)" "$(go env GOHOSTARCH)" "$work/host"
	"$work/host" man --date "$day" >"$stage/man/dropferry.1"
	"$work/host" man --date "$day" agent.toml.example >"$stage/man/dropferry-agent.toml.5"
	"$work/host" completion bash >"$stage/completions/dropferry.bash"
	"$work/host" completion zsh >"$stage/completions/_dropferry"
	"$work/host" completion fish >"$stage/completions/dropferry.fish"
	"$work/host" completion powershell >"$stage/completions/dropferry.ps1"
	go run ./packaging/notices >"$stage/third-party-notices.txt"
	cp LICENSE README.md CHANGELOG.md agent.toml.example agent.schema.json "$stage"
	cp docs/service.md docs/windows.md docs/server.md docs/troubleshooting.md "$stage/docs"
	cp packaging/systemd/* "$stage/systemd"
	cp packaging/launchd/* "$stage/launchd"
	cp packaging/deb/copyright "$stage/deb"
	cat >"$stage/deb/changelog" <<-EOF
	dropferry ($packaged) stable; urgency=medium

	  * See https://github.com/dropferry/dropferry/blob/main/CHANGELOG.md

	 -- dropferry <maintainers@dropferry.example>  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
	EOF
	gzip -9n "$stage/deb/changelog"
	gzip -9nk "$stage"/man/dropferry.1 "$stage"/man/dropferry-agent.toml.5
}

# tree KIND DIR fills a directory with what files.txt lists for a kind of package.
tree() {
	grep -E "^(all|$1) " "$here/files.txt" | while read -r _ mode source place; do
		install -D -m "$mode" "$stage/$source" "$2$place"
	done
}

make_deb() { # ARCH
	dir=$work/deb-$1
	tree deb "$dir"
	mkdir "$dir/DEBIAN"
	cp packaging/deb/conffiles "$dir/DEBIAN"
	for script in preinst postinst prerm postrm; do
		install -m 755 "packaging/deb/$script" "$dir/DEBIAN/$script"
	done
	size=$(find "$dir" -path "$dir/DEBIAN" -prune -o -type f -printf '%k\n' | awk '{s += $1} END {print s}')
	sed -e "s/@VERSION@/$packaged/" -e "s/@ARCH@/$1/" -e "s/@SIZE@/$size/" packaging/deb/control >"$dir/DEBIAN/control"
	(cd "$dir" && find . -path ./DEBIAN -prune -o -type f -printf '%P\n' | sort | xargs md5sum >DEBIAN/md5sums)
	aged "$dir"
	dpkg-deb --root-owner-group -Zxz --build "$dir" "$out/dropferry_${version}_$1.deb" >&2
}

make_rpm() { # ARCH
	dir=$work/rpm-$1
	tree rpm "$dir/root"
	aged "$dir"
	(
		sed -e "s/@VERSION@/$packaged/" "$here/rpm/dropferry.spec"
		echo "%files"
		echo "%dir %attr(0750, root, dropferry) /etc/dropferry"
		grep -E "^(all|rpm) " "$here/files.txt" | while read -r _ mode _ place; do
			case $place in
			/etc/*) echo "%config(noreplace) %attr($mode, root, root) $place" ;;
			/usr/share/licenses/*) echo "%license %attr($mode, root, root) $place" ;;
			/usr/share/doc/* | /usr/share/man/*) echo "%doc %attr($mode, root, root) $place" ;;
			*) echo "%attr($mode, root, root) $place" ;;
			esac
		done
		echo "%dir %attr(0700, dropferry, dropferry) /var/lib/dropferry"
		echo "%changelog"
		echo "* $(date -u -d "@$SOURCE_DATE_EPOCH" '+%a %b %d %Y') dropferry <maintainers@dropferry.example> - $packaged-1"
		echo "- See https://github.com/dropferry/dropferry/blob/main/CHANGELOG.md"
	) >"$dir/dropferry.spec"
	rpmbuild -bb --target "$1-linux" --define "_topdir $dir/top" --define "stage $dir/root" --define "_buildhost dropferry.example" \
		"$dir/dropferry.spec" >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
	cp "$dir"/top/RPMS/*/*.rpm "$out/dropferry-$version-1.$1.rpm"
}

# bundle OS DIR fills a directory with what a person unpacks.
bundle() {
	page=service.md
	[ "$1" != windows ] || page=windows.md
	mkdir -p "$2/docs"
	cp "$stage/docs/$page" "$stage/docs/server.md" "$stage/docs/troubleshooting.md" "$2/docs"
	cp "$stage/LICENSE" "$stage/README.md" "$stage/CHANGELOG.md" "$stage/third-party-notices.txt" "$stage/agent.toml.example" "$stage/agent.schema.json" "$2"
	cp -r "$stage/completions" "$2"
	case $1 in
	linux) cp -r "$stage/systemd" "$2" ;;
	darwin) cp -r "$stage/launchd" "$2" ;;
	esac
	if [ "$1" != windows ]; then
		mkdir "$2/man"
		cp "$stage"/man/*.[15] "$2/man"
	fi
}

make_tar() { # OS ARCH PROGRAM
	name=dropferry-$version-$1-$2
	bundle "$1" "$work/$name"
	install -m 755 "$3" "$work/$name/dropferry"
	aged "$work/$name"
	tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --format=ustar -C "$work" -cf - "$name" |
		gzip -9n >"$out/$name.tar.gz"
}

make_zip() { # ARCH PROGRAM
	name=dropferry-$version-windows-$1
	bundle windows "$work/$name"
	install -m 755 "$2" "$work/$name/dropferry.exe"
	aged "$work/$name"
	rm -f "$out/$name.zip"
	(cd "$work" && find "$name" -type f | sort | zip -q -9 -X -@ "$out/$name.zip")
}

# sum FILE prints its SHA-256, or nothing where it was not made.
sum() { if [ -e "$out/$1" ]; then sha256sum "$out/$1" | cut -d ' ' -f 1; fi; }

# make_manifests fills in the templates of the package managers that fetch a release.
make_manifests() {
	for template in "$here"/templates/*/*; do
		target=$out/manifests/$(basename "$(dirname "$template")")/$(basename "$template")
		mkdir -p "$(dirname "$target")"
		sed -e "s/@VERSION@/$version/g" -e "s/@DAY@/$day/g" \
			-e "s/@SHA256_WINDOWS_AMD64@/$(sum "dropferry-$version-windows-amd64.zip")/" \
			-e "s/@SHA256_WINDOWS_ARM64@/$(sum "dropferry-$version-windows-arm64.zip")/" \
			-e "s/@SHA256_MSI@/$(sum "dropferry-$version-amd64.msi")/" \
			-e "s/@SHA256_DARWIN_AMD64@/$(sum "dropferry-$version-darwin-amd64.tar.gz")/" \
			-e "s/@SHA256_DARWIN_ARM64@/$(sum "dropferry-$version-darwin-arm64.tar.gz")/" \
			-e "s/@SHA256_LINUX_AMD64@/$(sum "dropferry-$version-linux-amd64.tar.gz")/" \
			-e "s/@SHA256_LINUX_ARM64@/$(sum "dropferry-$version-linux-arm64.tar.gz")/" "$template" >"$target"
	done
}

say "dropferry $version of $day for $platforms"
common
for platform in $platforms; do
	os=${platform%/*} arch=${platform#*/}
	say "build $platform"
	built=$work/dropferry-$os-$arch
	program "$os" "$arch" "$built"
	case $os in
	linux)
		cp "$built" "$stage/dropferry"
		! wants deb dpkg-deb || make_deb "$arch"
		! wants rpm rpmbuild || make_rpm "$(echo "$arch" | sed 's/amd64/x86_64/; s/arm64/aarch64/')"
		! wants tar || make_tar linux "$arch" "$built"
		if wants container; then
			mkdir -p "$out/container/linux-$arch/state"
			install -m 755 "$built" "$out/container/linux-$arch/dropferry"
			cp packaging/container/Containerfile packaging/container/passwd "$stage/LICENSE" "$stage/third-party-notices.txt" "$out/container/linux-$arch"
			aged "$out/container/linux-$arch"
		fi
		;;
	darwin) ! wants tar || make_tar darwin "$arch" "$built" ;;
	windows)
		sh "$here/sign.sh" "$built"
		! wants zip zip || make_zip "$arch" "$built"
		if [ "$arch" = amd64 ] && wants msi wixl; then
			sh "$here/windows/msi.sh" "$VERSION" "$built" "$out/dropferry-$version-amd64.msi"
		fi
		;;
	esac
done
! wants manifests || make_manifests
(cd "$out" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs sha256sum >SHA256SUMS)
say "they are in $out"
