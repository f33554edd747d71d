// SPDX-License-Identifier: LGPL-2.1-only

package uci

import (
	"os"
	"path/filepath"
	"testing"

	gouci "github.com/digineo/go-uci"
)

func parseGoUCI(t *testing.T, text string) (gouci.Tree, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "box"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	tree := gouci.NewTree(dir)
	return tree, tree.LoadConfig("box", true)
}
