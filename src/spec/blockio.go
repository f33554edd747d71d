// SPDX-License-Identifier: LGPL-2.1-only

package spec

import specs "github.com/opencontainers/runtime-spec/specs-go"

func (d *decoder) blockIO(b *specs.LinuxBlockIO) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "weight":
			b.Weight = ref(d.uint16())
		case "leafWeight":
			b.LeafWeight = ref(d.uint16())
		case "weightDevice":
			b.WeightDevice = list(d, (*decoder).weightDevice)
		case "throttleReadBpsDevice":
			b.ThrottleReadBpsDevice = list(d, (*decoder).throttleDevice)
		case "throttleWriteBpsDevice":
			b.ThrottleWriteBpsDevice = list(d, (*decoder).throttleDevice)
		case "throttleReadIOPSDevice":
			b.ThrottleReadIOPSDevice = list(d, (*decoder).throttleDevice)
		case "throttleWriteIOPSDevice":
			b.ThrottleWriteIOPSDevice = list(d, (*decoder).throttleDevice)
		default:
			d.skip()
		}
	}
	d.close(&o)
}

func (d *decoder) weightDevice(w *specs.LinuxWeightDevice) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "major":
			w.Major = d.int64()
		case "minor":
			w.Minor = d.int64()
		case "weight":
			w.Weight = ref(d.uint16())
		case "leafWeight":
			w.LeafWeight = ref(d.uint16())
		default:
			d.skip()
		}
	}
	d.close(&o, "major", "minor")
}

func (d *decoder) throttleDevice(t *specs.LinuxThrottleDevice) {
	o := d.object()
	for d.member(&o) {
		switch o.key {
		case "major":
			t.Major = d.int64()
		case "minor":
			t.Minor = d.int64()
		case "rate":
			t.Rate = d.uint64()
		default:
			d.skip()
		}
	}
	d.close(&o, "major", "minor", "rate")
}
