/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of programmers: what became of licenses. */
#include "store/sqlite/card.h"
#include "store/sqlite/chip.h"
#include "store/sqlite/issue.h"
#include "store/sqlite/log.h"

#define EXIT_MAX 255

static const hl_uuid none;

static hl_rc
check_given(const hl_install *i, hl_err *err)
{
	hl_rc rc;

	if ((rc = hl_text_check("programmer", i->programmer, false, err)) ||
	    (rc = hl_text_check("image", i->image, true, err)) ||
	    (rc = hl_text_check("detail", i->detail, true, err)) ||
	    (rc = hl_actor_check(&i->actor, err)))
		return rc;
	if (i->exit_status < HL_EXIT_UNKNOWN || i->exit_status > EXIT_MAX) {
		return hl_fail(err, HL_EINPUT, "record an install",
		    "say 0 to 255, or -1 when it is not known",
		    "%d is not an exit status", i->exit_status);
	}
	if (i->at < 0 || hl_install_outcome_name(i->outcome)[0] == '?') {
		return hl_fail(err, HL_EINPUT, "record an install",
		    "say when it began and how it ended",
		    "its time or its outcome cannot be");
	}
	return HL_OK;
}

static hl_rc
check_new(hl_store *s, const hl_uuid *id, hl_err *err)
{
	bool there;
	hl_rc rc;
	hl_q q;

	q = hl_q_new(s, "SELECT 1 FROM installs WHERE id = ?");
	hl_q_uuid(&q, id);
	there = hl_q_row(&q);
	if ((rc = hl_q_end(&q, err)) != HL_OK || !there)
		return rc;
	return hl_db_fail(
	    s, HL_EEXIST, err, "", "this install is recorded already");
}

static hl_rc
check_license(hl_store *s, const hl_install *i, hl_err *err)
{
	hl_license l;
	hl_rc rc;

	if (hl_uuid_equal(&i->license, &none))
		return HL_OK;
	if ((rc = hl_license_need(s, &i->license, &l, err)) != HL_OK)
		return rc;
	if (hl_uuid_equal(&l.chip, &i->chip) &&
	    hl_uuid_equal(&l.firmware, &i->firmware))
		return HL_OK;
	return hl_db_fail(s, HL_ECONFLICT, err,
	    "name the chip and firmware that it is for",
	    "its license is for another chip or firmware");
}

static hl_rc
check_referred(hl_store *s, const hl_install *i, hl_err *err)
{
	hl_firmware f;
	hl_chip chip;
	hl_rc rc;

	if ((rc = check_new(s, &i->id, err)) != HL_OK ||
	    (rc = hl_chip_need(s, &i->chip, &chip, err)) != HL_OK)
		return rc;
	if (!hl_uuid_equal(&i->firmware, &none) &&
	    (rc = hl_firmware_need(s, &i->firmware, &f, err)) != HL_OK)
		return rc;
	return check_license(s, i, err);
}

static void
bind_known(hl_q *q, const hl_uuid *id)
{
	hl_q_uuid(q, hl_uuid_equal(id, &none) ? NULL : id);
}

/* When it began, as far as the clock can be believed: not after it ended. */
static int64_t
begin_of(const hl_store *s, const hl_install *i)
{
	const int64_t at = i->at != 0 ? i->at : s->now - i->duration_ms;

	return at < 0 ? 0 : at > s->now ? s->now : at;
}

static hl_rc
insert(hl_store *s, const hl_install *i, hl_err *err)
{
	hl_q q = hl_q_new(s,
	    "INSERT INTO installs (id, chip, firmware, license, at, "
	    "duration_ms, programmer, image, image_sha256, outcome, "
	    "exit_status, detail, station, operator, lot, note, use_class) "
	    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

	hl_q_uuid(&q, &i->id);
	hl_q_uuid(&q, &i->chip);
	bind_known(&q, &i->firmware);
	bind_known(&q, &i->license);
	hl_q_int(&q, begin_of(s, i));
	hl_q_int(&q, i->duration_ms);
	hl_q_text(&q, i->programmer);
	hl_q_text(&q, i->image);
	if (i->has_image_sha256)
		hl_q_blob(&q, i->image_sha256, sizeof(i->image_sha256));
	else
		hl_q_null(&q);
	hl_q_text(&q, hl_install_outcome_name(i->outcome));
	hl_q_int(&q, i->exit_status);
	hl_q_text(&q, i->detail);
	hl_q_actor(&q, &i->actor);
	return hl_q_run(&q, err);
}

hl_rc
hl_store_install_add(hl_store *store, const hl_install *i, hl_err *err)
{
	hl_rc rc;

	if ((rc = check_given(i, err)) != HL_OK ||
	    (rc = hl_tx_begin(store, "record an install", err)) != HL_OK)
		return rc;
	if ((rc = check_referred(store, i, err)) == HL_OK)
		rc = insert(store, i, err);
	if (rc == HL_OK) {
		rc = hl_log_event(
		    store, "program.outcome", &i->actor, NULL, 0, err);
	}
	return hl_tx_end(store, rc, err);
}

typedef struct giver {
	bool (*row)(void *arg, const hl_install *i);
	void *arg;
} giver;

static bool
give(void *arg, const void *row)
{
	const giver *g = arg;

	return g->row(g->arg, row);
}

hl_rc
hl_store_install_list_chip(hl_store *store, const hl_uuid *chip,
    bool (*row)(void *arg, const hl_install *i), void *arg, hl_err *err)
{
	giver g = { row, arg };
	const hl_list l = {
		.sql = HL_INSTALL_SELECT
		"WHERE n > ?1 AND chip = ?3 ORDER BY n" HL_LIST_LIMIT,
		.read = hl_row_install,
		.size = sizeof(hl_install),
		.a = chip,
		.give = give,
		.arg = &g,
	};

	store->doing = "list installs";
	return hl_list_run(store, &l, err);
}
