// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/spec"
)

// image takes the root from the file that an annotation names.
func image(s *specs.Spec, root *Root) error {
	file := s.Annotations[spec.ImageAnnotation]
	switch {
	case file == "":
		return nil
	case file[0] != '/':
		return refuse("annotations."+spec.ImageAnnotation, "must be an absolute path")
	case s.Hooks != nil && len(s.Hooks.CreateContainer) > 0:
		return refuse("hooks.createContainer", "the root is of an image, and nowhere on the host: use another kind")
	}
	root.Source, root.Image, root.FromHost, root.Recursive = cleanHost(file), true, true, false
	return nil
}

// layers takes the writable layer that an annotation asks for. ujail's options win.
func layers(s *specs.Spec, o *Bundle) error {
	const where = "annotations." + spec.OverlayAnnotation
	v := s.Annotations[spec.OverlayAnnotation]
	if v == "" || o.OverlayDir != "" || o.TmpOverlay != "" {
		return nil
	}
	switch kind, value, _ := strings.Cut(v, ":"); {
	case kind == "tmpfs" && value != "" && strings.Trim(value, "0123456789KMGkmg") == "":
		o.TmpOverlay = value
	case kind == "disk" && strings.HasPrefix(value, "/"):
		o.OverlayDir = value
	default:
		return refuse(where, "must be tmpfs:SIZE, or disk: and the absolute path of a directory")
	}
	return nil
}
