module github.com/opencontainers/runtime-spec

go 1.18
