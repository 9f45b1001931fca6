/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From rows to the structures of model.h. Each *_SELECT gives the columns that
 * the function of its name reads, the rowid (n) first.
 */
#ifndef HL_STORE_SQLITE_ROW_H
#define HL_STORE_SQLITE_ROW_H

#include "store/sqlite/db.h"

#define HL_CHIP_SELECT                                                         \
	"SELECT c.n, c.id, c.uid, c.cert_sha256, e.product_id, c.label, "      \
	"c.first_seen, (SELECT count(*) FROM licenses AS l "                   \
	"WHERE l.chip = c.id AND l.state = 'active') FROM chips AS c "         \
	"LEFT JOIN certificates AS e ON e.sha256 = c.cert_sha256 "

#define HL_FIRMWARE_SELECT                                                     \
	"SELECT f.n, f.id, f.name, f.identifier, f.type, f.product_id, "       \
	"f.added_at FROM firmwares AS f "

#define HL_CARD_SELECT                                                         \
	"SELECT c.n, c.id, c.firmware, f.name, coalesce(c.label, p.label), "   \
	"coalesce(c.serial, p.serial), c.driver, c.reader, c.atr, "            \
	"c.capacity, c.first_counter, c.last_counter, c.state, c.replay, "     \
	"c.added_at, c.seen_at, c.retired_at, c.same_as "                      \
	"FROM cards AS c JOIN firmwares AS f ON f.id = c.firmware "            \
	"LEFT JOIN cards AS p ON p.id = c.same_as "

#define HL_ISSUE_SELECT                                                        \
	"SELECT n, id, chip, firmware, card, attempt, counter_before, "        \
	"opened_at, owner, station, operator, lot, note, use_class, state, "   \
	"closed_at, counter_after, units, recovered, detail FROM issues "

/* `uses` is an expression: how often the license l was handed out. */
#define HL_LICENSE_SELECT_WITH(uses)                                           \
	"SELECT l.n, l.id, l.chip, l.firmware, l.issue, l.state, l.sha256, "   \
	"length(l.bytes), l.added_at, l.retired_at, l.station, l.operator, "   \
	"l.lot, l.note, l.use_class, l.reason, " uses                          \
	", f.name, c.uid, c.cert_sha256 FROM licenses AS l "                   \
	"JOIN firmwares AS f ON f.id = l.firmware "                            \
	"JOIN chips AS c ON c.id = l.chip "
#define HL_LICENSE_SELECT HL_LICENSE_SELECT_WITH("0")
#define HL_LICENSE_USES                                                        \
	"(SELECT count(*) FROM uses AS u WHERE u.license = l.id)"

#define HL_INSTALL_SELECT                                                      \
	"SELECT n, id, license, chip, firmware, at, duration_ms, programmer, " \
	"image, image_sha256, outcome, exit_status, detail, station, "         \
	"operator, lot, note, use_class FROM installs "

typedef void hl_row_fn(hl_q *q, void *row);

void hl_row_chip(hl_q *q, void *row);	  /* hl_chip */
void hl_row_firmware(hl_q *q, void *row); /* hl_firmware */
void hl_row_card(hl_q *q, void *row);	  /* hl_card_row */
void hl_row_issue(hl_q *q, void *row);	  /* hl_issue */
void hl_row_license(hl_q *q, void *row);  /* hl_license */
void hl_row_install(hl_q *q, void *row);  /* hl_install */

/* The only row of q, or *found false. Ends q. *out untouched on failure. */
HL_CHECK hl_rc hl_row_get(
    hl_q *q, hl_row_fn *read, void *out, size_t size, bool *found, hl_err *err);
/* The same, HL_ENOTFOUND with `thing` ("chip", ...) when there is none. */
HL_CHECK hl_rc hl_row_need(hl_q *q, hl_row_fn *read, void *out, size_t size,
    const char *thing, hl_err *err);

#define HL_LIST_CHUNK 64

/*
 * A list, given row by row. It is read in chunks, and no lock is held while
 * `give` runs, so that a slow reader stops no writer and `give` may call the
 * store. `sql` has ?1, the rowid to start behind, and ends in " LIMIT ?2"; ?3
 * and ?4 are a and b.
 */
typedef struct hl_list {
	const char *sql;
	hl_row_fn *read;
	size_t size; /* of a row */
	const hl_uuid *a, *b;
	bool (*give)(void *arg, const void *row);
	void *arg;
} hl_list;

#define HL_LIST_LIMIT " LIMIT ?2"

HL_CHECK hl_rc hl_list_run(hl_store *s, const hl_list *l, hl_err *err);

#endif
