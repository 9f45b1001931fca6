/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of one request to a card that its vendor's program asks: named
 * after the request, so that they can be judged when its process has died.
 *
 *	<ID>.tool.cert      the certificate that the license is for
 *	<ID>.tool.check     the certificate of the connected chip, where the
 *	                    license is for that chip and nobody knows yet
 *	                    whether it was the same one to the end
 *	<ID>.tool.after     the certificate of the chip that was connected then
 *	<ID>.tool.license   written by the program
 *	<ID>.tool.log       what the program printed (util/spawn.h)
 *	<ID>.tool.end       how the program ended (util/spawn.h)
 */
#ifndef HL_CARD_REQUEST_FILES_H
#define HL_CARD_REQUEST_FILES_H

#include <limits.h>

#include "card/card.h"
#include "tool/output.h"
#include "util/spawn.h"

/* Of what the program prints. Beyond it nobody knows what it said of its end,
 * so its license is suspect. */
#define HL_REQUEST_TEXT_MAX ((size_t)4 * 1024 * 1024)

typedef struct hl_request_files {
	char base[PATH_MAX];
	char cert[PATH_MAX], check[PATH_MAX], after[PATH_MAX];
	char license[PATH_MAX];
} hl_request_files;

HL_CHECK hl_rc hl_request_files_name(hl_request_files *f, const char *dir,
    const hl_uuid *request_id, hl_err *err);

/*
 * The bytes of the license file. *good: they are whole, because the program
 * ended by itself, in time, with status 0 and no line of it says that something
 * failed. HL_ENOTFOUND: there are none. HL_EINPUT: more than a license can
 * have. Other codes: it cannot be read now, and may be the license.
 */
HL_CHECK hl_rc hl_request_files_take(const hl_request_files *f,
    const hl_ended *end, const hl_tool_report *report, hl_card_answer *out,
    bool *good, hl_err *err);

/*
 * Removes them; the log only when `log`. A license file goes when it is empty,
 * or holds the `n` bytes at `safe` that are kept elsewhere, and no other.
 */
void hl_request_files_remove(
    const hl_request_files *f, bool log, const uint8_t *safe, size_t n);

#endif
