// SPDX-License-Identifier: LGPL-2.1-only

package cgroup

import (
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/blob"
)

func statsText(t testing.TB, files map[string]string) string {
	t.Helper()
	var w blob.Builder
	Stats(&w, func(file string) string { return files[file] })
	b, err := w.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return blob.Text(b)
}

func TestStats(t *testing.T) {
	for _, c := range []struct {
		files map[string]string
		want  string
	}{
		{nil, `{"cpu":{}}`},
		{map[string]string{
			"cpu.stat": "usage_usec 5000000000\nuser_usec 2\nsystem_usec 3\nnr_throttled 4\n", "cpu.max": "50000 100000\n",
			"memory.current": "4096\n", "memory.peak": "8192\n", "memory.max": "max\n", "memory.low": "0\n", "memory.swap.current": "0\n", "memory.swap.max": "1024\n",
			"memory.stat": "anon 1\nfile 2\n", "memory.events": "oom 1\noom_kill 2\n",
			"pids.current": "3\n", "pids.max": "64\n", "pids.events": "max 0\n",
			"io.stat":      "8:0 rbytes=1 wbytes=2\n7:0 \n",
			"cpu.pressure": "some avg10=0.25 avg60=1.00 avg300=0.00 total=77\n", "memory.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=12.50 avg60=0.00 avg300=0.00 total=1\n",
		}, `{"cpu":{"usage_usec":5000000000,"user_usec":2,"system_usec":3,"nr_throttled":4,"limit":{"quota_usec":50000,"period_usec":100000}},` +
			`"memory":{"current":4096,"peak":8192,"reservation":0,"swap":{"current":0,"limit":1024},"stat":{"anon":1,"file":2},"events":{"oom":1,"oom_kill":2}},` +
			`"pids":{"current":3,"limit":64,"events":{"max":0}},"io":{"8:0":{"rbytes":1,"wbytes":2}},` +
			`"pressure":{"cpu":{"some":{"avg10":0.25,"avg60":1,"avg300":0,"total":77}},` +
			`"memory":{"some":{"avg10":0,"avg60":0,"avg300":0,"total":0},"full":{"avg10":12.5,"avg60":0,"avg300":0,"total":1}},"io":{}}}`},
		{map[string]string{"cpu.max": "max 100000\n", "memory.current": "1\n"}, `{"cpu":{},"memory":{"current":1,"swap":{},"stat":{},"events":{}}}`},
	} {
		if got := statsText(t, c.files); got != c.want {
			t.Errorf("%s\nwant\n%s", got, c.want)
		}
	}
}

// Whatever a file holds, what is written is in the format.
func FuzzStats(f *testing.F) {
	f.Add("a 1\nb max\n", "8:0 a=1 b=2.5\n")
	f.Fuzz(func(t *testing.T, flat, nested string) {
		if len(flat)+len(nested) > 1<<16 {
			return
		}
		var w blob.Builder
		Stats(&w, func(file string) string {
			switch file {
			case "cpu.stat", "memory.stat", "memory.current", "pids.current":
				return flat
			case "io.stat", "cpu.pressure":
				return nested
			}
			return ""
		})
		b, err := w.Bytes()
		if err != nil {
			return // a name of the kernel's that no reader could have
		}
		d := blob.NewFields(b)
		for d.Next() {
			for in := d.Fields(); in.Next(); {
			}
		}
		if d.Err() != nil {
			t.Error(d.Err())
		}
	})
}

func TestForUpdate(t *testing.T) {
	files := map[string]string{"cpu.max": "50000 100000\n", "memory.max": "67108864\n", "memory.current": "33554432\n", "memory.swap.current": "4096\n"}
	memory := func(limit, swap int64, check bool) resources {
		m := &specs.LinuxMemory{CheckBeforeUpdate: &check}
		if limit != 0 {
			m.Limit = &limit
		}
		if swap != 0 {
			m.Swap = &swap
		}
		return resources{Memory: m}
	}
	for name, c := range map[string]struct {
		from resources
		want string
	}{
		"nothing":               {resources{}, ""},
		"a period alone":        {resources{CPU: &specs.LinuxCPU{Period: ref(uint64(20000))}}, "cpu.max=50000 20000"},
		"a quota alone":         {resources{CPU: &specs.LinuxCPU{Quota: ref(int64(1000))}}, "cpu.max=1000"},
		"no quota any more":     {resources{CPU: &specs.LinuxCPU{Quota: ref(int64(-1)), Period: ref(uint64(20000))}}, "cpu.max=max 20000"},
		"swap alone":            {memory(0, 67108864+4096, false), "memory.swap.max=4096 memory.max=67108864"},
		"less than is used":     {memory(1<<20, 0, false), "memory.max=1048576"},
		"the same, checked":     {memory(1<<20, 0, true), "memory.limit: memory.max would be 1048576, less than memory.current, which is 33554432 (memory.checkBeforeUpdate)"},
		"less swap, checked":    {memory(64<<20, 64<<20+1, true), "memory.swap: memory.swap.max would be 1, less than memory.swap.current, which is 4096 (memory.checkBeforeUpdate)"},
		"enough, checked":       {memory(32<<20, -1, true), "memory.swap.max=max memory.max=33554432"},
		"what ends things last": {resources{Memory: &specs.LinuxMemory{Limit: ref(int64(4096))}, Pids: &specs.LinuxPids{Limit: ref(int64(5))}}, "pids.max=5 memory.max=4096"},
		"refused as ever":       {resources{Memory: &specs.LinuxMemory{Kernel: ref(int64(1))}}, "memory.kernel: cgroup v2 counts the kernel's memory in memory.limit"}, //nolint:staticcheck // it is to be refused
	} {
		list, err := ForUpdate(&c.from, func(file string) string { return files[file] })
		got := ""
		for _, s := range list {
			if got != "" {
				got += " "
			}
			got += s.File + "=" + s.Value
		}
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %s\nwant %s", name, got, c.want)
		}
	}
}

func TestUndo(t *testing.T) {
	for _, c := range []struct{ file, value, text, want string }{
		{"memory.max", "5", "max\n", "max"},
		{"cpu.max", "1 2", "max 100000\n", "max 100000"},
		{"cpuset.cpus", "0", "\n", ""},
		{"io.weight", "500", "default 100\n8:0 200\n", "default 100"},
		{"io.weight", "default 500", "default 100\n8:0 200\n", "default 100"},
		{"io.weight", "8:0 500", "default 100\n8:0 200\n", "8:0 200"},
		{"io.weight", "8:16 500", "default 100\n8:0 200\n", "8:16 default"},
		{"io.max", "8:0 rbps=1", "", "8:0 rbps=max wbps=max riops=max wiops=max"},
		{"io.max", "8:0 rbps=1", "8:0 rbps=5 wbps=max riops=max wiops=max\n", "8:0 rbps=5 wbps=max riops=max wiops=max"},
		{"rdma.max", "mlx hca_handle=1", "", "mlx hca_handle=max hca_object=max"},
	} {
		if got := Undo(c.file, c.value, c.text); got != c.want {
			t.Errorf("%s, %q after %q: %q, want %q", c.file, c.value, c.text, got, c.want)
		}
	}
}
