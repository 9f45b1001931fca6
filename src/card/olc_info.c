/* SPDX-License-Identifier: Apache-2.0 */
/* GET INFO of the Open License Card: field by field. */
#include <string.h>

#include "card/olc.h"
#include "util/hex.h"
#include "util/text.h"
#include "util/tlv.h"

static hl_rc
bad(hl_err *err, const char *field, const char *how)
{
	return hl_fail(
	    err, HL_ECARD, HL_OLC_WHAT_READ, HL_OLC_HINT, "%s %s", field, how);
}

static bool
all_graph(const hl_rd *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->p[i] <= 0x20 || v->p[i] >= 0x7F)
			return false;
	return true;
}

static bool
all_hex(const hl_rd *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (hl_hex_digit((char)v->p[i]) < 0)
			return false;
	return true;
}

static bool
all_text(const hl_rd *v)
{
	return hl_text_valid((const char *)v->p, v->n);
}

static bool
any(const hl_rd *v)
{
	(void)v;
	return true;
}

/* One field of GET INFO: what a value has to look like. */
typedef struct field {
	uint32_t tag;
	const char *name;
	size_t min, max;
	bool (*good)(const hl_rd *v);
	const char *rule;
} field;

/* Finds a field into *v (n = 0: not there) and checks it. */
static hl_rc
get_field(hl_rd info, const field *f, bool needed, hl_rd *v, hl_err *err)
{
	*v = (hl_rd){ NULL, 0 };
	if (!hl_tlv_find(info, f->tag, v)) {
		if (needed)
			return bad(err, f->name, "is missing");
		return HL_OK;
	}
	if (v->n < f->min || v->n > f->max || !f->good(v))
		return bad(err, f->name, f->rule);
	return HL_OK;
}

static void
copy_text(char *out, const hl_rd *v)
{
	if (v->n > 0)
		memcpy(out, v->p, v->n);
	out[v->n] = '\0';
}

static bool
take_u32(hl_rd v, uint32_t *out)
{
	return v.n == 4 && hl_rd_u32(&v, out);
}

static hl_rc
get_identity(hl_rd info, hl_card_info *out, hl_err *err)
{
	static const field serial = { TAG_SERIAL, "its serial number (C2)", 8,
		16, any, "is not 8 to 16 bytes long" };
	static const field state = { TAG_STATE, "its state (C3)", 1, 1, any,
		"is not 1 byte long" };
	static const hl_card_state states[] = { HL_CARD_UNKNOWN, HL_CARD_BLANK,
		HL_CARD_OPERATIONAL, HL_CARD_TERMINATED };
	hl_rd v;
	hl_rc rc;

	if ((rc = get_field(info, &serial, true, &v, err)) != HL_OK)
		return rc;
	hl_hex_upper(out->serial, v.p, v.n);
	if ((rc = get_field(info, &state, true, &v, err)) != HL_OK)
		return rc;
	if (v.p[0] == 0 || v.p[0] >= HL_COUNT(states))
		return hl_fail(err, HL_ECARD, HL_OLC_WHAT_READ, HL_OLC_HINT,
		    "its state (C3) is %02X, which is not a state",
		    (unsigned)v.p[0]);
	out->state = states[v.p[0]];
	return HL_OK;
}

static hl_rc
get_profile(hl_rd info, hl_card_info *out, hl_err *err)
{
	static const field firmware = { TAG_FIRMWARE,
		"its firmware identifier (C4)", 1, HL_FIRMWARE_ID_TEXT - 1,
		all_text, "is not 1 to 64 bytes of text" };
	static const field type = { TAG_TYPE, "its license type (C5)", 3,
		HL_TYPE_TEXT - 1, all_graph, "is not 3 to 8 ASCII characters" };
	static const field product = { TAG_PRODUCT, "its product ID (C8)", 8, 8,
		all_hex, "is not 8 hex digits" };
	const bool needed = out->state == HL_CARD_OPERATIONAL;
	hl_rd v;
	hl_rc rc;

	if ((rc = get_field(info, &firmware, needed, &v, err)) != HL_OK)
		return rc;
	copy_text(out->firmware_id, &v);
	if ((rc = get_field(info, &type, needed, &v, err)) != HL_OK)
		return rc;
	copy_text(out->type, &v);
	if ((rc = get_field(info, &product, false, &v, err)) != HL_OK)
		return rc;
	copy_text(out->product_id, &v);
	for (char *c = out->product_id; *c != '\0'; c++)
		if (*c >= 'a' && *c <= 'f')
			*c = (char)(*c - 'a' + 'A');
	return HL_OK;
}

static hl_rc
get_counters(hl_rd info, hl_card_info *out, hl_err *err)
{
	static const field counter = { TAG_COUNTER, "its counter (C6)", 4, 4,
		any, "is not 4 bytes long" };
	static const field capacity = { TAG_CAPACITY, "its capacity (C7)", 4, 4,
		any, "is not 4 bytes long" };
	const bool needed = out->state == HL_CARD_OPERATIONAL;
	hl_rd v;
	hl_rc rc;

	if ((rc = get_field(info, &counter, needed, &v, err)) != HL_OK)
		return rc;
	out->has_counter = take_u32(v, &out->counter);
	if ((rc = get_field(info, &capacity, needed, &v, err)) != HL_OK)
		return rc;
	if (take_u32(v, &out->capacity) && out->has_counter &&
	    out->counter > out->capacity)
		return hl_fail(err, HL_ECARD, HL_OLC_WHAT_READ, HL_OLC_HINT,
		    "its counter (%u) is above its capacity (%u)",
		    (unsigned)out->counter, (unsigned)out->capacity);
	return HL_OK;
}

hl_rc
hl_olc_parse_info(const hl_buf *data, hl_card_info *out, hl_err *err)
{
	hl_rd all = { data->p, data->n }, info;
	hl_rc rc;

	if (!hl_tlv_wellformed(all) || !hl_tlv_find(all, TAG_INFO, &info))
		return bad(err, "its answer to GET INFO",
		    "is no well-formed template E0");
	if ((rc = get_identity(info, out, err)) == HL_OK &&
	    (rc = get_profile(info, out, err)) == HL_OK)
		rc = get_counters(info, out, err);
	return rc;
}
