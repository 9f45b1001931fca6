/* SPDX-License-Identifier: Apache-2.0 */
/* Firmwares of another store: which of ours are they? */
#include <string.h>

#include "store/sqlite/merge.h"

/* What theirs is to be called here: `name`, unless an option says otherwise. */
static const char *
name_here(const hl_merging *m, const char *name)
{
	const size_t n = strlen(name);
	const char *const *o = m->opt->firmwares;

	for (; o != NULL && *o != NULL; o++) {
		if (strncmp(*o, name, n) == 0 && (*o)[n] == '=' &&
		    (*o)[n + 1] != '\0')
			return *o + n + 1;
	}
	return name;
}

static hl_rc
find_by_name(
    hl_merging *m, const char *name, hl_firmware *out, bool *found, hl_err *err)
{
	hl_q q = hl_q_new(m->s, HL_FIRMWARE_SELECT "WHERE f.name = ?");

	hl_q_text(&q, name);
	return hl_row_get(&q, hl_row_firmware, out, sizeof(*out), found, err);
}

static hl_rc
fail_other(hl_merging *m, const hl_firmware *a, const hl_firmware *b,
    const char *theirs, hl_err *err)
{
	hl_rc rc = hl_db_fail(m->s, HL_ECONFLICT, err, "",
	    "firmware \"%s\" is one of identifier \"%s\", type \"%s\", product "
	    "\"%s\" here, and of \"%s\", \"%s\", \"%s\" there",
	    a->name, a->identifier, a->type, a->product_id, b->identifier,
	    b->type, b->product_id);

	hl_err_hint(err,
	    "say --firmware \"%s=NAME\" with the name that it is to have here; "
	    "nothing was merged",
	    theirs);
	return rc;
}

static hl_rc
take_firmware(hl_merging *m, hl_q *q, hl_err *err)
{
	hl_firmware f = { .added_at = 0 }, ours;
	hl_merge_set set = { .column = "name" };
	bool known;
	hl_rc rc;

	hl_q_get_uuid(hl_merge_at(q, "id"), &f.id);
	hl_q_get_text(hl_merge_at(q, "name"), f.name, sizeof(f.name));
	hl_q_get_text(
	    hl_merge_at(q, "identifier"), f.identifier, sizeof(f.identifier));
	hl_q_get_text(hl_merge_at(q, "type"), f.type, sizeof(f.type));
	hl_q_get_text(
	    hl_merge_at(q, "product_id"), f.product_id, sizeof(f.product_id));
	if ((rc = hl_merge_known(m, "firmwares", &f.id, &known, err)) !=
		HL_OK ||
	    known)
		return rc;
	set.text = name_here(m, f.name);
	if ((rc = hl_text_check("firmware name", set.text, false, err)) !=
		HL_OK ||
	    (rc = find_by_name(m, set.text, &ours, &known, err)) != HL_OK)
		return rc;
	if (known) {
		if (strcmp(ours.identifier, f.identifier) != 0 ||
		    strcmp(ours.type, f.type) != 0 ||
		    strcmp(ours.product_id, f.product_id) != 0)
			return fail_other(m, &ours, &f, f.name, err);
		return hl_merge_put_map(m, &f.id, &ours.id, err);
	}
	m->r.n.firmwares++;
	if ((rc = hl_merge_insert(m, "firmwares", q, &set, 1, err)) != HL_OK)
		return rc;
	return hl_merge_tell(m, "firmware.added", NULL, err);
}

/* A name in an option that they do not have is a mistake. */
static hl_rc
check_option(hl_merging *m, const char *o, hl_err *err)
{
	bool found = false;
	hl_rc rc;
	hl_q q;

	q = hl_q_new(m->o,
	    "SELECT 1 FROM firmwares WHERE substr(?1, 1, length(name) + 1) = "
	    "name || '=' AND length(?1) > length(name) + 1");
	hl_q_text(&q, o);
	found = hl_q_row(&q);
	if ((rc = hl_q_end(&q, err)) != HL_OK || found)
		return rc;
	return hl_db_fail(m->o, HL_EINPUT, err,
	    "say --firmware THEIRS=OURS, with names as they are in license "
	    "list",
	    "\"%s\" does not begin with the name of a firmware that it knows",
	    o);
}

hl_rc
hl_merge_firmwares(hl_merging *m, hl_err *err)
{
	const char *const *o = m->opt->firmwares;
	hl_rc rc;

	for (; o != NULL && *o != NULL; o++) {
		if ((rc = check_option(m, *o, err)) != HL_OK)
			return rc;
	}
	return hl_merge_each(
	    m, "SELECT * FROM firmwares ORDER BY n", take_firmware, err);
}
