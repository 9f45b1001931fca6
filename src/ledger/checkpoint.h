/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints (C2SP tlog-checkpoint): signed notes whose text is
 *
 *     <origin>
 *     <tree size>
 *     <base64 of the root>
 *
 * Logs sign them, witnesses cosign them (C2SP tlog-cosignature).
 */
#ifndef HL_LEDGER_CHECKPOINT_H
#define HL_LEDGER_CHECKPOINT_H

#include "ledger/note.h"
#include "ledger/tree.h"

#define HL_ORIGIN_MAX HL_KEY_NAME_MAX

typedef struct hl_checkpoint {
	/* 1 to HL_ORIGIN_MAX bytes of UTF-8 without control characters. Ours
	 * are key names too (hl_key_name_check()); those of others may not be. */
	char origin[HL_ORIGIN_MAX + 1];
	uint64_t size;
	hl_hash root;
} hl_checkpoint;

/* Appends the text. HL_EINPUT: bad origin. */
HL_CHECK hl_rc hl_checkpoint_body(
    const hl_checkpoint *c, hl_buf *out, hl_err *err);

/*
 * A note whose text is the three lines and nothing else: extension lines are
 * refused, since nobody can audit what they say. *note borrows the bytes.
 * HL_EINPUT.
 */
HL_CHECK hl_rc hl_checkpoint_read(
    const void *p, size_t n, hl_note *note, hl_checkpoint *out, hl_err *err);

/*
 * Signs as the log: appends a line to the note in *note, as hl_note_sign() does,
 * of type 0x01 or 0x02 by the kind of the key. Before: hl_sign_tree().
 */
HL_CHECK hl_rc hl_checkpoint_sign(hl_buf *note, const hl_checkpoint *c,
    const char *name, hl_signer *s, hl_err *err);
/*
 * Signs as a witness, type 0x04, Ed25519 only (HL_EINPUT); `time_s` in seconds
 * since 1970. The signature does not cover the name, so a key may be used under
 * one name only. Before: hl_sign_tree().
 */
HL_CHECK hl_rc hl_checkpoint_cosign(hl_buf *note, const hl_checkpoint *c,
    const char *name, uint64_t time_s, hl_signer *s, hl_err *err);

#endif
