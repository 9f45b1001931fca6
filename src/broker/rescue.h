/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A license on its way from the card to the store, as bytes that survive on
 * their own: in the spool, in a rescue file, or as a line on a terminal.
 *
 *   "HLR1" | issue 16 | SHA-256 of the certificate 32 | counter after 4 |
 *   length 2 | license | SHA-256 of all before 32        (big-endian)
 *
 * The text form is one line: "HSMLIC-RESCUE ", then the bytes in base64.
 */
#ifndef HL_BROKER_RESCUE_H
#define HL_BROKER_RESCUE_H

#include "card/card.h"
#include "chip/license.h"
#include "crypto/hash.h"
#include "util/buf.h"
#include "util/uuid.h"

#define HL_RESCUE_WORD "HSMLIC-RESCUE "

typedef struct hl_rescue {
	hl_uuid issue;
	uint8_t cert_sha256[HL_SHA256_LEN];
	uint32_t counter_after;
	uint8_t license[HL_LICENSE_MAX];
	size_t n; /* 1 to HL_LICENSE_MAX */
} hl_rescue;

HL_CHECK hl_rc hl_rescue_encode(const hl_rescue *r, hl_buf *out, hl_err *err);
/* False: damaged, or not such a record; *out untouched. */
bool hl_rescue_decode(const uint8_t *p, size_t n, hl_rescue *out);
/* The line, without newline, appended. */
HL_CHECK hl_rc hl_rescue_line(const hl_rescue *r, hl_buf *out, hl_err *err);
/* From a line that starts with HL_RESCUE_WORD; trailing blanks are fine. */
bool hl_rescue_parse(const char *line, size_t len, hl_rescue *out);

/* The spool: `side`/spool/<issue>.license. Durable when HL_OK. */
HL_CHECK hl_rc hl_spool_put(const char *side, const hl_rescue *r, hl_err *err);
/* HL_ENOTFOUND: none, or damaged (a write that a crash cut short). */
HL_CHECK hl_rc hl_spool_find(
    const char *side, const hl_uuid *issue, hl_rescue *out, hl_err *err);
/* The same, and where a rescue file would be when the spool has none.
 * HL_EACCESS: nothing is read from a folder of another user's. Other codes: a
 * file is there that cannot be read. */
HL_CHECK hl_rc hl_rescue_find(const char *side, const char *rescue_dir,
    const hl_uuid *issue, hl_rescue *out, hl_err *err);
void hl_spool_drop(const char *side, const hl_uuid *issue);

/* The same for bytes that are never to be handed out: they lie in the spool
 * under another name. */
HL_CHECK hl_rc hl_suspect_put(
    const char *side, const hl_rescue *r, hl_err *err);
HL_CHECK hl_rc hl_suspect_find(
    const char *side, const hl_uuid *issue, hl_rescue *out, hl_err *err);
void hl_suspect_drop(const char *side, const hl_uuid *issue);

/* A rescue file of its own in `dir`; its path goes to `path`. Durable.
 * HL_EACCESS: the folder belongs to another user, who could remove the file. */
HL_CHECK hl_rc hl_rescue_file(const char *dir, const hl_rescue *r, char *path,
    size_t path_size, hl_err *err);

#endif
