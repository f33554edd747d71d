// SPDX-License-Identifier: LGPL-2.1-only

// Package root runs the built program as root and looks at what it did: every
// feature seen from inside the jail, every defect of the C ujail by its number,
// every known escape, and what was left behind afterwards.
//
// It needs root, Linux 5.15, the Go toolchain and a static busybox
// (GOJAIL_BUSYBOX, default /bin/busybox). It is not for what can be tested
// without the kernel: plans and decoders have their tables beside the code.
//
// Nothing on the host changes: the tests run in a world of their own (see
// world_test.go), and the world ends with them.
package root

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"gojail/tests/root/leaks"
)

// The environment that leads from one incarnation of the test binary to the next.
const (
	envStage   = "GOJAIL_WORLD"        // "", then "build", then "in"; "probes" builds the probes and ends
	envProgram = "GOJAIL_WORLD_BIN"    // the program under test, as the host names it
	envCgroup  = "GOJAIL_WORLD_CGROUP" // the cgroup made for the world, as the host names it
	envProbes  = "GOJAIL_WORLD_PROBES" // the directory of the built probes, as the host names it
	envReady   = "GOJAIL_PROBES"       // where the probes are already, if they are: a slow machine need not build them
	envHelper  = "GOJAIL_WORLD_HELPER" // the test binary stands in for another program: see helper_test.go
)

func TestMain(m *testing.M) {
	if h := os.Getenv(envHelper); h != "" {
		os.Exit(helper(h))
	}
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "tests/root needs root: it makes namespaces, mounts and devices")
		os.Exit(1)
	}
	switch os.Getenv(envStage) {
	case "":
		code, err := outside()
		if err != nil {
			fmt.Fprintln(os.Stderr, "tests/root:", err)
			code = 1
		}
		os.Exit(code)
	case "probes":
		if err := buildProbes(os.Getenv(envReady)); err != nil {
			fmt.Fprintln(os.Stderr, "tests/root:", err)
			os.Exit(1)
		}
		os.Exit(0)
	case "build":
		fmt.Fprintln(os.Stderr, "tests/root:", buildWorld())
		os.Exit(1)
	}
	if os.Getenv("GOJAIL_VM") != "" { // which has no processor of its own
		patience *= 10
	}
	// a bundle may be written anew for each start
	leaks.Ignore = func(path string) bool { return filepath.Base(path) == "config.json" }
	os.Exit(m.Run())
}

// outside builds the program, starts the test binary as the first process of
// new namespaces, and removes what had to be made on the host.
func outside() (int, error) {
	dir, err := os.MkdirTemp("", "gojail-root-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	program, err := build(dir)
	if err != nil {
		return 1, err
	}
	ready := os.Getenv(envReady)
	if ready == "" {
		ready = dir
		if err := buildProbes(dir); err != nil {
			return 1, err
		}
	}
	cgroup, err := makeCgroup()
	if err != nil {
		return 1, err
	}
	defer removeCgroups(cgroup)

	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	cmd := exec.Command(self)
	for _, a := range os.Args[1:] {
		// go test's log of opened files lies in a /tmp that the world does not have
		if !strings.HasPrefix(a, "-test.testlogfile") {
			cmd.Args = append(cmd.Args, a)
		}
	}
	cmd.Env = append(os.Environ(), envStage+"=build", envProgram+"="+program, envCgroup+"="+cgroup, envProbes+"="+ready)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		Pdeathsig:  syscall.SIGKILL,
	}
	runtime.LockOSThread() // the death signal hangs on the thread, not on the process
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	go func() {
		for s := range signals {
			if s != syscall.SIGQUIT { // QUIT is go test's way to ask for the stacks
				s = syscall.SIGKILL
			}
			cmd.Process.Signal(s)
		}
	}()
	cmd.Wait()
	if ws := cmd.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
		return 1, fmt.Errorf("the world ended by signal %v", ws.Signal())
	}
	return cmd.ProcessState.ExitCode(), nil
}

// build compiles the program as it is shipped; $GOJAIL names a ready one.
func build(dir string) (string, error) {
	if p := os.Getenv("GOJAIL"); p != "" {
		return filepath.Abs(p)
	}
	program := filepath.Join(dir, "gojail")
	cmd := exec.Command("go", "build", "-o", program, "-ldflags", "-s -w -E jail_entry", "gojail/src/cmd/gojail")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %v\n%s", err, out)
	}
	return program, nil
}

// probes are the payloads that are made for the tests, for this machine and for one whose 32-bit programs amd64 runs.
var probes = []string{"probe", "probe386", "busy", "busy386"}

func buildProbes(dir string) error {
	for _, name := range probes {
		arch := runtime.GOARCH
		source, other := strings.CutSuffix(name, "386")
		if other {
			arch = "386"
		}
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, name), "-ldflags", "-s -w", "gojail/tests/root/"+source)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go build: %v\n%s", err, out)
		}
	}
	return nil
}

// makeCgroup makes the cgroup that is the root of the world's own hierarchy.
// A host without cgroup v2 has none, and then the world has none.
func makeCgroup() (string, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	for _, m := range parseMounts(string(mounts)) {
		if m.fstype == "cgroup2" {
			dir := filepath.Join(m.target, "gojail-test-"+strconv.Itoa(os.Getpid()))
			return dir, os.Mkdir(dir, 0o755)
		}
	}
	return "", nil
}

// removeCgroups removes dir and all below it, the deepest first.
func removeCgroups(dir string) {
	if dir == "" {
		return
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.IsDir() {
			removeCgroups(filepath.Join(dir, e.Name()))
		}
	}
	if err := os.Remove(dir); err != nil {
		fmt.Fprintln(os.Stderr, "tests/root: left behind:", err)
	}
}
