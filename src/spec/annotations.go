// SPDX-License-Identifier: LGPL-2.1-only

package spec

import "strings"

// Annotations for what runtime-spec has no member for. Another runtime passes over them.
const (
	// ImageAnnotation is a file with the file system, of squashfs or ext4, that is the root in place of root.path, read-only.
	ImageAnnotation = "org.openwrt.gojail.rootfs.image"
	// OverlayAnnotation is a writable layer over the root: "tmpfs:SIZE", or "disk:DIRECTORY", where upper and work are made.
	OverlayAnnotation = "org.openwrt.gojail.overlay"
	// SecretAnnotation has the names of variables, with commas between them, whose values are not to be shown.
	SecretAnnotation = "org.openwrt.gojail.secret"
	// RestartAnnotation "on-failure": procd is not to start the container again if it has ended with 0.
	RestartAnnotation = "org.openwrt.gojail.restart"
)

// Hidden is what is shown of a variable: NAME=(secret), if the annotation names it.
func Hidden(annotations map[string]string, variable string) string {
	name, _, _ := strings.Cut(variable, "=")
	if names := annotations[SecretAnnotation]; names != "" && strings.Contains(","+names+",", ","+name+",") {
		return name + "=(secret)"
	}
	return variable
}
