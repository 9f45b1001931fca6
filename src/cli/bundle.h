/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles for auditors and witnesses: an archive, or the folder that it was
 * unpacked to. docs/bundle/README says what is in one.
 */
#ifndef HL_CLI_BUNDLE_H
#define HL_CLI_BUNDLE_H

#include <stdio.h>

#include "cli/audit.h"

#define HL_BUNDLE_LOG "log.jsonl"
#define HL_BUNDLE_LOG_FROM "log-from-%llu.jsonl" /* events from that one on */
#define HL_BUNDLE_CHECKPOINT "checkpoint-"	 /* and its size */

/* A text of the program's own. */
typedef struct hl_text_file {
	const unsigned char *p;
	size_t n;
} hl_text_file;

extern const hl_text_file hl_bundle_readme, hl_bundle_check;

/* ---- reading (bundle_read.c) -------------------------------------------- */

typedef struct hl_bundle {
	const char *path;
	FILE *tar;	   /* NULL: a folder */
	uint64_t newest;   /* size of the largest checkpoint in it */
	uint64_t log_from; /* the number of its first event */
	bool has_checkpoint, has_log;
} hl_bundle;

/* HL_ENOTFOUND, HL_EINPUT: it is none. Close also on failure. */
HL_CHECK hl_rc hl_bundle_open(hl_bundle *b, const char *path, hl_err *err);
void hl_bundle_close(hl_bundle *b);
/* The newest checkpoint in it. */
HL_CHECK hl_rc hl_bundle_checkpoint(
    hl_bundle *b, hl_checkpoint_file *out, hl_err *err);
/* Adds leaves of the events `from` to `to` - 1; `arg` is the bundle. As
 * hl_sign_tree() wants it. */
HL_CHECK hl_rc hl_bundle_leaves(
    void *arg, uint64_t from, uint64_t to, hl_frontier *add_to, hl_err *err);

#endif
