// Package folder sends mail by writing it into a folder, one `.eml` file (RFC 5322) for each message: for trying the platform, for
// tests, and for a mail server that picks files up.
package folder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/mail/message"
	"github.com/nowgo/agents/internal/system"
)

// Folder is a [mail.Sender]. It may be used concurrently, by several processes too.
type Folder struct {
	path   string
	writer message.Writer
}

// New returns a sender into the folder at path, which it makes (0700) where it is missing. From is the sender's address, with or
// without a name (RFC 5322 §3.4).
func New(path, from string, sys system.System) (*Folder, error) {
	writer, err := message.NewWriter(from, sys)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return &Folder{path, writer}, nil
}

// Send implements [mail.Sender]. The file is readable by its owner alone (0600), takes its name, `<ULID>.eml`, only when it is whole
// and on the disk, and sorts by the time it was sent.
func (f *Folder) Send(ctx context.Context, m mail.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	written, err := f.writer.Write(m)
	if err != nil {
		return err
	}
	if err := f.write(filepath.Join(f.path, written.ID+".eml"), written.Raw); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}

func (f *Folder) write(path string, raw []byte) (err error) {
	tmp, err := os.CreateTemp(f.path, ".sending-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	_, err = tmp.Write(raw)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
