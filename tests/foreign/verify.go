// SPDX-License-Identifier: Apache-2.0

// verify checks ledgers of hsmlic without hsmlic: trees and notes by Go's own
// packages for its checksum database, as Debian has them
// (golang-golang-x-mod-dev). Build it with
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go build -o verify verify.go
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const usage = `usage: verify -k KEY [-k KEY]... COMMAND

  checkpoint FILE...           who signed these checkpoints
  log LOG.jsonl FILE...        the log is the one that these checkpoints speak of
  event PROOF LEAF             this event is in the log
  consistency OLD NEW PROOF    the log of NEW begins with the log of OLD
  bundle DIR                   all of that for an unpacked bundle

KEY: NAME+HEX+BASE64, or a file with such keys, one a line.
`

// refused is what an altered file comes to.
func refused(format string, args ...any) error {
	return fmt.Errorf(format, args...)
}

func ok(format string, args ...any) {
	fmt.Printf("ok: "+format+"\n", args...)
}

// ---- keys ------------------------------------------------------------------

// key is a note.Verifier of one of three kinds. Ed25519 keys of logs are
// verified by the package note alone; it has no other kinds, so those of the
// other two are done here, with Go's own cryptography.
type key struct {
	note.Verifier
	witness bool
	used    bool
}

type other struct {
	name   string
	hash   uint32
	verify func(msg, sig []byte) bool
}

func (o *other) Name() string                { return o.name }
func (o *other) KeyHash() uint32             { return o.hash }
func (o *other) Verify(msg, sig []byte) bool { return o.verify(msg, sig) }

func verifyECDSA(pub *ecdsa.PublicKey, msg, sig []byte) bool {
	digest := sha256.Sum256(msg)
	return ecdsa.VerifyASN1(pub, digest[:], sig)
}

func verifyCosignature(pub ed25519.PublicKey, msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(sig)
	text := fmt.Sprintf("cosignature/v1\ntime %d\n%s", at, msg)
	return ed25519.Verify(pub, []byte(text), sig[8:])
}

func newKey(text string) (*key, error) {
	part := strings.SplitN(text, "+", 3)
	if len(part) != 3 {
		return nil, refused("not a key: %s", text)
	}
	id, err1 := strconv.ParseUint(part[1], 16, 32)
	raw, err2 := base64.StdEncoding.DecodeString(part[2])
	if err1 != nil || err2 != nil || len(raw) < 1 {
		return nil, refused("not a key: %s", text)
	}
	o := &other{name: part[0], hash: uint32(id)}
	var sum [32]byte
	switch {
	case raw[0] == 1:
		v, err := note.NewVerifier(text)
		return &key{Verifier: v}, err
	case raw[0] == 2:
		any, err := x509.ParsePKIXPublicKey(raw[1:])
		pub, is := any.(*ecdsa.PublicKey)
		if err != nil || !is {
			return nil, refused("no ECDSA key: %s", text)
		}
		sum = sha256.Sum256(raw[1:])
		o.verify = func(msg, sig []byte) bool { return verifyECDSA(pub, msg, sig) }
	case raw[0] == 4 && len(raw) == 1+ed25519.PublicKeySize:
		pub := ed25519.PublicKey(raw[1:])
		sum = sha256.Sum256(append([]byte(part[0]+"\n"), raw...))
		o.verify = func(msg, sig []byte) bool { return verifyCosignature(pub, msg, sig) }
	default:
		return nil, refused("of no kind that is known here: %s", text)
	}
	if binary.BigEndian.Uint32(sum[:]) != o.hash {
		return nil, refused("its ID is not that of its name and key: %s", text)
	}
	return &key{Verifier: o, witness: raw[0] == 4}, nil
}

func readKeys(arg string) ([]*key, error) {
	text, err := os.ReadFile(arg)
	if err != nil {
		text = []byte(arg)
	}
	var keys []*key
	for _, line := range strings.Split(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		k, err := newKey(line)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// ---- checkpoints -----------------------------------------------------------

type checkpoint struct {
	origin string
	size   int64
	root   tlog.Hash
}

type auditor struct {
	keys []*key
}

// find is used for what note.Open has verified: which of the keys was it?
func (a *auditor) find(name string, hash uint32) *key {
	for _, k := range a.keys {
		if k.Name() == name && k.KeyHash() == hash {
			return k
		}
	}
	return nil
}

func parseCheckpoint(text string) (c checkpoint, err error) {
	line := strings.Split(text, "\n")
	if len(line) != 4 || line[0] == "" || line[3] != "" {
		return c, errors.New("not three lines")
	}
	c.origin = line[0]
	c.size, err = strconv.ParseInt(line[1], 10, 64)
	if err != nil || c.size < 0 || strconv.FormatInt(c.size, 10) != line[1] {
		return c, errors.New("bad tree size")
	}
	c.root, err = parseHash(line[2])
	return c, err
}

// parseHash takes the one way in which a hash is written: Go's own function
// passes over the last bits of base64 that stand for nothing.
func parseHash(text string) (tlog.Hash, error) {
	h, err := tlog.ParseHash(text)
	if err == nil && h.String() != text {
		err = errors.New("bad base64")
	}
	return h, err
}

// parseSignature: of a line that note.Open has taken.
func parseSignature(sig note.Signature) ([]byte, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(sig.Base64)
	if err != nil {
		return nil, errors.New("bad base64 in a signature line")
	}
	return raw, nil
}

// open verifies a checkpoint: no signature of a key may be wrong, and one of
// them is of a key of its log.
func (a *auditor) open(what string, msg []byte) (c checkpoint, err error) {
	var list []note.Verifier
	for _, k := range a.keys {
		list = append(list, k)
	}
	n, err := note.Open(msg, note.VerifierList(list...))
	if err != nil {
		return c, refused("%s: %v", what, err)
	}
	if c, err = parseCheckpoint(n.Text); err != nil {
		return c, refused("%s: %v", what, err)
	}
	ofLog := false
	for _, sig := range n.Sigs {
		k := a.find(sig.Name, sig.Hash)
		k.used = true
		if !k.witness && sig.Name == c.origin {
			ofLog = true
		}
		raw, err := parseSignature(sig)
		if err != nil {
			return c, refused("%s: %v", what, err)
		}
		if k.witness {
			at := int64(binary.BigEndian.Uint64(raw[4:]))
			ok("%s: witnessed by %s at %s, size %d", what, sig.Name,
				time.Unix(at, 0).UTC().Format(time.RFC3339), c.size)
		} else {
			ok("%s: signed by %s, size %d", what, sig.Name, c.size)
		}
	}
	if !ofLog {
		return c, refused("%s: none of the keys of its log (%s) signed it", what, c.origin)
	}
	return c, nil
}

func (a *auditor) openFile(file string) (c checkpoint, err error) {
	msg, err := os.ReadFile(file)
	if err != nil {
		return c, err
	}
	return a.open(file, msg)
}

func (a *auditor) checkpoints(files ...string) error {
	for _, file := range files {
		if _, err := a.openFile(file); err != nil {
			return err
		}
	}
	return nil
}

// ---- the tree --------------------------------------------------------------

// tree has all hashes of a log, in the order of the package tlog.
type tree struct {
	hashes []tlog.Hash
	size   int64
}

func (t *tree) ReadHashes(at []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(at))
	for i, x := range at {
		out[i] = t.hashes[x]
	}
	return out, nil
}

// checkEvent: each line says itself which one it is.
func checkEvent(line []byte, seq int64) error {
	var event struct {
		Seq *int64 `json:"seq"`
	}
	if err := json.Unmarshal(line, &event); err != nil {
		return err
	}
	if event.Seq == nil || *event.Seq != seq {
		return errors.New("its number is not that of its line")
	}
	return nil
}

func readLog(file string) (*tree, error) {
	log, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if len(log) == 0 || log[len(log)-1] != '\n' {
		return nil, refused("%s: its last line has no end", file)
	}
	t := &tree{}
	for _, line := range bytes.Split(log[:len(log)-1], []byte("\n")) {
		if err := checkEvent(line, t.size); err != nil {
			return nil, refused("%s: event %d: %v", file, t.size, err)
		}
		hashes, err := tlog.StoredHashes(t.size, line, t)
		if err != nil {
			return nil, err
		}
		t.hashes = append(t.hashes, hashes...)
		t.size++
	}
	return t, nil
}

func (a *auditor) log(file string, checkpoints ...string) error {
	t, err := readLog(file)
	if err != nil {
		return err
	}
	largest, origin := int64(0), ""
	for _, name := range checkpoints {
		c, err := a.openFile(name)
		if err != nil {
			return err
		}
		if origin == "" {
			origin = c.origin
		}
		if c.origin != origin {
			return refused("%s: it is of another log: %s", name, c.origin)
		}
		if c.size > t.size {
			return refused("%s: it has %d events, %s speaks of %d", file, t.size, name, c.size)
		}
		root, err := tlog.TreeHash(c.size, t)
		if err != nil {
			return err
		}
		if root != c.root {
			return refused("%s: its first %d events are not those of %s", file, c.size, name)
		}
		ok("%s: its first %d events are those of %s", file, c.size, name)
		if c.size > largest {
			largest = c.size
		}
	}
	if largest != t.size {
		return refused("%s: it has %d events, the newest checkpoint speaks of %d",
			file, t.size, largest)
	}
	return nil
}

func parseHashes(lines []string) (hashes []tlog.Hash, err error) {
	for _, line := range lines {
		h, err := parseHash(line)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, h)
	}
	return hashes, nil
}

func (a *auditor) event(proof, leaf string) error {
	text, err := os.ReadFile(proof)
	if err != nil {
		return err
	}
	record, err := os.ReadFile(leaf)
	if err != nil {
		return err
	}
	part := strings.SplitN(string(text), "\n\n", 2)
	line := strings.Split(part[0], "\n")
	if len(part) != 2 || len(line) < 2 || line[0] != "c2sp.org/tlog-proof@v1" ||
		!strings.HasPrefix(line[1], "index ") {
		return refused("%s: not a proof", proof)
	}
	index, err := strconv.ParseInt(line[1][len("index "):], 10, 64)
	if err != nil {
		return refused("%s: bad index", proof)
	}
	hashes, err := parseHashes(line[2:])
	if err != nil {
		return refused("%s: %v", proof, err)
	}
	c, err := a.open(proof, []byte(part[1]))
	if err != nil {
		return err
	}
	if index < 0 || index >= c.size {
		return refused("%s: the log of its checkpoint has no event %d", proof, index)
	}
	if err := tlog.CheckRecord(hashes, c.size, c.root, index, tlog.RecordHash(record)); err != nil {
		return refused("%s: it is not event %d of %s: %v", leaf, index, c.origin, err)
	}
	ok("%s: it is event %d of %s", leaf, index, c.origin)
	return nil
}

func (a *auditor) consistency(older, newer, proof string) error {
	c1, err := a.openFile(older)
	if err != nil {
		return err
	}
	c2, err := a.openFile(newer)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(proof)
	if err != nil {
		return err
	}
	hashes, err := parseHashes(strings.Fields(string(text)))
	if err != nil {
		return refused("%s: %v", proof, err)
	}
	if c1.origin != c2.origin {
		return refused("%s: it is of another log: %s", newer, c2.origin)
	}
	if c1.size < 1 || c1.size > c2.size {
		return refused("%s: it is not newer than %s", newer, older)
	}
	if err := tlog.CheckTree(hashes, c2.size, c2.root, c1.size, c1.root); err != nil {
		return refused("%s: the log of %s does not begin with that of %s: %v",
			proof, newer, older, err)
	}
	ok("%s: the first %d of %d events are those of %s", proof, c1.size, c2.size, older)
	return nil
}

// bundle: log.jsonl, checkpoint-SIZE for one or more sizes, and
// consistency-OLD-NEW for some two of them.
func (a *auditor) bundle(dir string) error {
	checkpoints, _ := filepath.Glob(filepath.Join(dir, "checkpoint-*"))
	proofs, _ := filepath.Glob(filepath.Join(dir, "consistency-*-*"))
	if err := a.log(filepath.Join(dir, "log.jsonl"), checkpoints...); err != nil {
		return err
	}
	sort.Strings(proofs)
	for _, proof := range proofs {
		size := strings.Split(filepath.Base(proof), "-")
		older := filepath.Join(dir, "checkpoint-"+size[1])
		newer := filepath.Join(dir, "checkpoint-"+size[2])
		if err := a.consistency(older, newer, proof); err != nil {
			return err
		}
	}
	return nil
}

// ---- commands --------------------------------------------------------------

func (a *auditor) command(args []string) (run func() error) {
	switch n := len(args); {
	case n >= 2 && args[0] == "checkpoint":
		return func() error { return a.checkpoints(args[1:]...) }
	case n >= 3 && args[0] == "log":
		return func() error { return a.log(args[1], args[2:]...) }
	case n == 3 && args[0] == "event":
		return func() error { return a.event(args[1], args[2]) }
	case n == 4 && args[0] == "consistency":
		return func() error { return a.consistency(args[1], args[2], args[3]) }
	case n == 2 && args[0] == "bundle":
		return func() error { return a.bundle(args[1]) }
	}
	return nil
}

func (a *auditor) run(command func() error, keys []string) error {
	for _, arg := range keys {
		k, err := readKeys(arg)
		if err != nil {
			return err
		}
		a.keys = append(a.keys, k...)
	}
	if err := command(); err != nil {
		return err
	}
	for _, k := range a.keys {
		if !k.used {
			return refused("a key given with -k (%s) signed nothing of this", k.Name())
		}
	}
	return nil
}

func main() {
	args, keys := os.Args[1:], []string{}
	for len(args) >= 2 && args[0] == "-k" {
		keys = append(keys, args[1])
		args = args[2:]
	}
	a := &auditor{}
	command := a.command(args)
	if command == nil || len(keys) == 0 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err := a.run(command, keys); err != nil {
		fmt.Fprintln(os.Stderr, "REFUSED:", err)
		os.Exit(1)
	}
}
