module gojail

go 1.25

require (
	github.com/opencontainers/runtime-spec v1.3.0
	golang.org/x/sys v0.40.0
)

require github.com/seccomp/libseccomp-golang v0.11.1
