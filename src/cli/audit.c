/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/audit.h"

static hl_rc
altered(uint64_t seq, const char *why, hl_err *err)
{
	(void)hl_fail(err, HL_EINTEGRITY, "", HL_AUDIT_HINT, "%s", why);
	hl_err_what(err, "read event %llu", (unsigned long long)seq);
	return HL_EINTEGRITY;
}

hl_rc
hl_audit_read_event(const hl_event_row *row, hl_event *out, hl_err *err)
{
	hl_event e = { .seq = 0 };
	hl_err why = { 0 };
	hl_hash leaf;
	hl_rc rc;

	if ((rc = hl_leaf_hash(row->bytes, row->n, &leaf, err)) != HL_OK)
		return rc;
	if (!hl_hash_equal(&leaf, &row->leaf))
		return altered(
		    row->seq, "its bytes do not match its leaf hash", err);
	rc = hl_event_parse(row->bytes, row->n, &e, &why);
	if (rc == HL_EINPUT)
		return altered(row->seq, why.why, err);
	if (rc != HL_OK) {
		if (err != NULL)
			*err = why;
		return rc;
	}
	if (e.seq != row->seq) {
		hl_event_free(&e);
		return altered(row->seq, "it bears another number", err);
	}
	*out = e;
	return HL_OK;
}
