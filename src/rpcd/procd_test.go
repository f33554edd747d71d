// SPDX-License-Identifier: LGPL-2.1-only

package rpcd

import (
	"reflect"
	"testing"

	"gojail/src/blob"
)

// As procd's container object answers list: see instance_dump of its service/instance.c.
func TestInstances(t *testing.T) {
	var w blob.Builder
	w.OpenTable("web")
	w.OpenTable("instances")
	w.OpenTable("netifd")
	w.AddBool("running", true)
	w.Close()
	w.OpenTable("web")
	w.AddBool("running", false)
	w.AddString("bundle", "/var/run/gojail/bundles/web-0")
	w.AddInt32("exit_code", 3)
	w.Close()
	w.Close()
	w.Close()
	w.OpenTable("db")
	w.OpenTable("instances")
	w.OpenTable("instance1")
	w.AddBool("running", true)
	w.AddInt32("pid", 7)
	w.Close()
	w.Close()
	w.Close()
	b, err := w.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]instance{}
	for d := blob.NewFields(b); d.Next(); {
		readContainer(all, d.Name(), d.Fields())
	}
	if want := map[string]instance{"web": {false, 3}, "db": {running: true}}; !reflect.DeepEqual(all, want) {
		t.Errorf("%v", all)
	}
}
