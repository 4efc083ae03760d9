// SPDX-License-Identifier: GPL-3.0-or-later

package cni

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteFile replaces a file durably unless it already has the content: write
// beside it, fsync, rename, fsync of the directory. It tells whether it wrote.
func WriteFile(path string, content []byte, mode fs.FileMode) (changed bool, err error) {
	current, err := os.ReadFile(path)
	if err == nil && bytes.Equal(current, content) {
		return false, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("read %s before replacing it: %w", path, err)
	}
	directory := filepath.Dir(path)
	temporary, err := os.CreateTemp(directory, "."+filepath.Base(path)+".*")
	if err != nil {
		return false, fmt.Errorf("create a file beside %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temporary.Name()))
		}
	}()
	if err := fill(temporary, content, mode); err != nil {
		return false, fmt.Errorf("write %s: %w", temporary.Name(), err)
	}
	if err := os.Rename(temporary.Name(), path); err != nil {
		return false, fmt.Errorf("rename to %s: %w", path, err)
	}
	return true, syncDirectory(directory)
}

func fill(file *os.File, content []byte, mode fs.FileMode) error {
	_, writeErr := file.Write(content)
	return errors.Join(writeErr, file.Chmod(mode), file.Sync(), file.Close())
}

func syncDirectory(directory string) error {
	handle, err := os.Open(directory)
	if err != nil {
		return fmt.Errorf("open %s to make the rename durable: %w", directory, err)
	}
	return errors.Join(handle.Sync(), handle.Close())
}

// InstallSelf copies the running program into the directory of CNI plugins under
// the gate's name, so that both are always of one version.
func InstallSelf(directory string) (changed bool, err error) {
	content, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return false, fmt.Errorf("read the running program: %w", err)
	}
	return WriteFile(filepath.Join(directory, GatePlugin), content, 0o755)
}
