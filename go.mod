module gojail

go 1.25

require (
	github.com/opencontainers/runtime-spec v1.3.0
	golang.org/x/sys v0.40.0
)

// for tests only
require (
	github.com/digineo/go-uci v0.0.0-20210918132103-37c7b10c14fa
	github.com/seccomp/libseccomp-golang v0.11.1
)

// without what costs size: see its README
replace github.com/opencontainers/runtime-spec => ./src/third_party/runtime-spec
