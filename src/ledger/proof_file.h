/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs as files. That an event is in a tree (C2SP tlog-proof):
 *
 *     c2sp.org/tlog-proof@v1
 *     index <index of the event>
 *     <base64 of a hash>            as many as it takes, the leaf's sibling first
 *
 *     <a whole checkpoint>
 *
 * And that one tree continues another: the hashes of RFC 6962, 2.1.2, each in
 * base64 on a line.
 */
#ifndef HL_LEDGER_PROOF_FILE_H
#define HL_LEDGER_PROOF_FILE_H

#include "ledger/checkpoint.h"
#include "ledger/tree_proof.h"

#define HL_PROOF_FILE_MAX (2 * HL_NOTE_MAX) /* bytes */

typedef struct hl_proof_file {
	uint64_t index;
	hl_proof proof;
	hl_checkpoint checkpoint;
	hl_note note; /* the checkpoint's; borrows the file's bytes */
} hl_proof_file;

/*
 * Appends the file. The checkpoint's bytes are taken as they are, with all of
 * their signatures. HL_EINPUT: they are no checkpoint, or its tree does not
 * reach to the index.
 */
HL_CHECK hl_rc hl_proof_file_put(hl_buf *out, uint64_t index,
    const hl_proof *proof, const void *checkpoint, size_t n, hl_err *err);
/*
 * Reads what hl_proof_file_put() writes; the tests and fuzzers of this project
 * check it with this and hl_proof_lines_parse(), no command reads proofs.
 * Strict. A line "extra <base64>" above the index, which others may write, is
 * skipped: nothing vouches for it. HL_EINPUT; nothing is verified here, see
 * hl_note_verify() and hl_check_inclusion().
 */
HL_CHECK hl_rc hl_proof_file_parse(
    const void *p, size_t n, hl_proof_file *out, hl_err *err);

/* Appends the hashes, one on a line. HL_ENOMEM. */
HL_CHECK hl_rc hl_proof_lines_put(
    hl_buf *out, const hl_proof *proof, hl_err *err);
/* Reads nothing but such lines; none at all is an empty proof. HL_EINPUT. */
HL_CHECK hl_rc hl_proof_lines_parse(
    const void *p, size_t n, hl_proof *out, hl_err *err);

#endif
