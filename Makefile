# The commands of the README. `make test` is what CI runs: it installs what the tests need where it can.

GO            ?= go
LINT_VERSION  := v2.15.0
TOOLS         := $(CURDIR)/.tools
LINT          := $(TOOLS)/golangci-lint-$(LINT_VERSION)
VERSION       ?= $(shell git describe --tags --match 'v[0-9]*' --always --dirty 2>/dev/null || echo devel)
PLATFORMS     := linux/amd64 linux/arm64 windows/amd64 windows/arm64 darwin/amd64 darwin/arm64
# One of each system, and of each processor: what differs between the others is not ours.
CROSS         := linux/amd64 linux/arm64 windows/amd64 darwin/arm64
FUZZ_TIME     ?= 10s
MINUTES       ?= 5
SEED          ?= 0
WINE_TESTS    ?= .
PARTS         ?=

TESTS         := DROPFERRY_REQUIRE_SSHD=1 $(GO) test -vet=off -shuffle=on -count=1 -timeout 25m
LONGEST       := ./syncer ./remote ./watcher ./state ./bench

export CGO_ENABLED = 0

.PHONY: all build test needs vet lint unit e2e fuzz fuzz-short soak churn cross bench bench-full pictures packages test-packages msi test-windows clean

all: build

build:
	$(GO) build -trimpath -ldflags '-s -w -X main.release=$(shell sh packaging/version.sh $(VERSION))' -o dropferry ./cmd/dropferry

# A failure of one of the last keeps none of the others from being seen. Beside each other they took as long, and waited for each other.
test: needs vet lint cross
	@$(MAKE) --no-print-directory --keep-going unit e2e fuzz-short

# needs installs the OpenSSH server that the tests run against, and a C compiler for the race detector.
needs:
	@sh scripts/needs.sh

vet:
	$(GO) vet ./...
	$(GO) vet -tags crashtest,nextschema ./...
	$(GO) mod tidy -diff

lint: $(LINT)
	$(LINT) run ./...

$(LINT):
	mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv $(TOOLS)/golangci-lint $@

# The race detector is the one thing here that needs C. SQLite, which a machine has translated to Go, is seven times slower with it, and
# its locks are seen without; what cuts files into chunks has no goroutines. The tests of whole processes do without: it would look at the
# tests alone. They wait most of the time, so that more of them run at once than there are processors. The packages that take longest
# begin first. `make vet` has vetted them.
unit:
	CGO_ENABLED=1 $(TESTS) -parallel 4 -p 3 -race -gcflags='modernc.org/...=-race=false' -gcflags='./chunk=-race=false' $(LONGEST) \
		$$($(GO) list ./... | grep -v /internal/e2e$$)

e2e:
	$(TESTS) -parallel 6 ./internal/e2e

fuzz:
	sh scripts/fuzz.sh $(FUZZ_TIME)

# A number of tries, not a time: the same work on any machine.
fuzz-short:
	sh scripts/fuzz.sh 3000x

# The real agent under faults for minutes. SEED repeats a run; 0 draws one.
soak:
	$(GO) run ./internal/soak -minutes $(MINUTES) -seed $(SEED)

# Random histories of a mirror that deletes, against a real sshd, for minutes. SEED repeats one; 0 draws it. SERVER is a server that
# hashes nothing: silent, timeless, folding or folding-timeless.
churn:
	$(GO) test ./internal/e2e -run 'TestChurnWithDeletes$$' -v -timeout $$(( $(MINUTES) + 10 ))m -churn-minutes $(MINUTES) -churn-seed $(SEED) -churn-server "$(SERVER)"

cross:
	@set -e; for p in $(CROSS); do \
		echo "build $$p"; GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build -trimpath -o /dev/null ./cmd/dropferry; \
	done

# The agent as a Windows service, and the tests of other packages, under wine: see docs/windows.md.
test-windows:
	@sh scripts/needs.sh windows
	DROPFERRY_WINE=1 DROPFERRY_REQUIRE_SSHD=1 $(GO) test -count=1 -timeout 60m -parallel 4 -v -run '$(WINE_TESTS)' ./internal/wine

# dropferry beside its peers, and what is dropferry's alone: up to 20 minutes. PARTS measures some of it: PARTS=latency,idle. Changed
# files take 15 minutes more and are measured with PARTS=delta alone.
bench:
	$(GO) run ./bench -only "$(PARTS)"

# More and longer transfers: hours.
bench-full:
	$(GO) run ./bench -only "$(PARTS)" -set full

# pictures makes those of the page in docs/ anew; a browser is needed.
pictures: needs
	@dir=$$(mktemp -d) && DROPFERRY_REQUIRE_SSHD=1 DROPFERRY_PICTURES=$$dir $(GO) test ./internal/e2e -run 'TestPageCharts$$' -count=1 && \
		cp $$dir/page.png $$dir/page-phone.png docs/monitoring/ && rm -r $$dir

# Into dist/, for all platforms; PLATFORMS="linux/amd64" for one.
packages:
	VERSION=$(VERSION) PLATFORMS="$(PLATFORMS)" sh packaging/build.sh dist

# The one for Windows, which needs wixl and msitools.
msi:
	VERSION=$(VERSION) PLATFORMS=windows/amd64 sh packaging/build.sh dist msi

# Needs root: a clean Debian is made and booted in a container, and lives with the packages. PARTS takes some of it: PARTS=deb.
test-packages:
	@sh scripts/needs.sh packages
	sh packaging/test/run.sh "$(PARTS)"

clean:
	rm -rf dropferry dist .tools bench/out
