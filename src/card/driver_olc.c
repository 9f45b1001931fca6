/* SPDX-License-Identifier: Apache-2.0 */
/* Open License Card, docs/open-license-card.md. */
#include <string.h>

#include "card/apdu.h"
#include "card/driver.h"
#include "card/olc.h"
#include "util/tlv.h"

#define WHAT_SELECT "find the license application of the card"
#define WHAT_ISSUE "get a license from the card"
#define MAJOR 1 /* version of the protocol that this driver speaks */
#define CERT_MAX 4096

static const uint8_t aid[] = { 0xF0, 'H', 'S', 'M', 'L', 'I', 'C', 0x01 };

static hl_rc
bad(hl_err *err, const char *what, const char *field, const char *how)
{
	return hl_fail(err, HL_ECARD, what, HL_OLC_HINT, "%s %s", field, how);
}

static hl_rc
set_caps(hl_rd prop, unsigned *can, bool *extended, hl_err *err)
{
	hl_rd caps, version;

	if (!hl_tlv_find(prop, TAG_VERSION, &version) || version.n != 2)
		return bad(err, WHAT_SELECT, "its version (C1)",
		    "is missing or not 2 bytes long");
	if (version.p[0] != MAJOR)
		return hl_fail(err, HL_ECARD, WHAT_SELECT,
		    "use a newer hsmlic, or another card",
		    "the card speaks version %u.%u of the Open License Card "
		    "protocol, this program version %d",
		    (unsigned)version.p[0], (unsigned)version.p[1], MAJOR);
	if (!hl_tlv_find(prop, TAG_CAPS, &caps) || caps.n != 1)
		return bad(err, WHAT_SELECT, "its capabilities (C0)",
		    "are missing or not 1 byte long");
	*extended = (caps.p[0] & 1U) != 0;
	*can = HL_CAN_INFO | HL_CAN_ISSUE | HL_CAN_SERIAL;
	if ((caps.p[0] & 2U) != 0)
		*can |= HL_CAN_REPLAY;
	return HL_OK;
}

/* Some cards answer 9000 to any SELECT: only our AID in the FCI counts. */
static bool
is_ours(const hl_buf *data, hl_rd *prop)
{
	hl_rd all = { data->p, data->n }, fci, name;

	*prop = (hl_rd){ NULL, 0 };
	if (!hl_tlv_find(all, TAG_FCI, &fci) ||
	    !hl_tlv_find(fci, TAG_AID, &name) || name.n != sizeof(aid) ||
	    memcmp(name.p, aid, sizeof(aid)) != 0)
		return false;
	(void)hl_tlv_find(fci, TAG_PROPRIETARY, prop);
	return true;
}

static hl_rc
olc_probe(hl_card_link *link, bool *mine, unsigned *can, hl_deadline until,
    hl_err *err)
{
	const hl_apdu cmd = {
		.ins = 0xA4, .p1 = 0x04, .data = aid, .n = sizeof(aid)
	};
	hl_buf data = HL_BUF_INIT;
	hl_exec exec;
	uint16_t sw = 0;
	hl_rd prop;
	hl_rc rc;

	*mine = false;
	*can = 0;
	link->extended = false;
	rc = hl_apdu_exchange(link->ch, &cmd, &data, &sw, &exec, until, err);
	/* Whatever another card's "no" looks like: it is not ours. */
	if (rc == HL_OK && sw == 0x9000 && is_ours(&data, &prop)) {
		rc = set_caps(prop, can, &link->extended, err);
		*mine = rc == HL_OK;
	}
	hl_buf_free(&data);
	return rc;
}

static hl_rc
olc_read(hl_card_link *link, hl_card_info *out, hl_deadline until, hl_err *err)
{
	const hl_apdu cmd = {
		.cla = 0x80, .ins = 0xCA, .extended = link->extended
	};
	hl_buf data = HL_BUF_INIT;
	hl_exec exec;
	uint16_t sw = 0;
	hl_rc rc;

	rc = hl_apdu_exchange(link->ch, &cmd, &data, &sw, &exec, until, err);
	if (rc == HL_OK && sw != 0x9000)
		rc = hl_fail(err, HL_ECARD, HL_OLC_WHAT_READ, HL_OLC_HINT,
		    "the card answers GET INFO with status word %04X",
		    (unsigned)sw);
	if (rc == HL_OK)
		rc = hl_olc_parse_info(&data, out, err);
	hl_buf_free(&data);
	return rc;
}

/* Status words by which a card refuses ISSUE before it counts. 6F00 is not
 * among them: after an internal failure nobody knows. */
static hl_rc
refused(uint16_t sw, hl_exec *exec, hl_err *err)
{
	static const struct {
		uint16_t sw;
		hl_rc rc;
		const char *why, *hint;
	} rows[] = {
		{ 0x6985, HL_ENOLICENSE, "it is not in OPERATIONAL_STATE",
		    "use a card that has been personalised and not "
		    "terminated" },
		{ 0x6A80, HL_ENOLICENSE, "it refuses the certificate",
		    "check that the certificate is the chip's own" },
		{ 0x6984, HL_ENOLICENSE, "it serves another product ID",
		    "use a card made for this chip's product" },
		{ 0x6A84, HL_ENOLICENSE, "its counter is zero",
		    "use another card of the same firmware" },
		{ 0x6A86, HL_ECARD, "it does not know the static protocol",
		    HL_OLC_HINT },
		{ 0x6700, HL_ECARD, "it refuses the length of the request",
		    HL_OLC_HINT },
		{ 0x6D00, HL_ECARD, "it does not know ISSUE LICENSE",
		    HL_OLC_HINT },
		{ 0x6E00, HL_ECARD, "it does not know the class of ISSUE",
		    HL_OLC_HINT },
	};

	for (size_t i = 0; i < HL_COUNT(rows); i++)
		if (rows[i].sw == sw) {
			*exec = HL_EXEC_NO;
			return hl_fail(err, rows[i].rc, WHAT_ISSUE,
			    rows[i].hint, "%s (status word %04X)", rows[i].why,
			    (unsigned)sw);
		}
	/* An early block of a chain that was refused executed nothing. */
	if (*exec != HL_EXEC_NO)
		*exec = HL_EXEC_UNKNOWN;
	return hl_fail(err, HL_ECARD, WHAT_ISSUE, HL_OLC_HINT,
	    "the card answers ISSUE LICENSE with status word %04X",
	    (unsigned)sw);
}

/*
 * The license is taken first: it stays in *out even when the rest of the answer
 * is no good, because a unit has been spent for it.
 */
static hl_rc
parse_answer(const hl_buf *data, const hl_uuid *request_id, hl_card_answer *out,
    hl_err *err)
{
	hl_rd all = { data->p, data->n }, answer, v;

	if (!hl_tlv_find(all, TAG_ANSWER, &answer))
		return bad(
		    err, WHAT_ISSUE, "its answer", "is no whole template E2");
	if (!hl_tlv_find(answer, TAG_LICENSE, &v) || v.n == 0 ||
	    v.n > HL_ISSUE_MAX)
		return bad(err, WHAT_ISSUE, "the license (CB)",
		    "is missing, empty or too long");
	memcpy(out->license, v.p, v.n);
	out->n = v.n;
	if (!hl_tlv_find(answer, TAG_COUNTER, &v) || v.n != 4 ||
	    !hl_rd_u32(&v, &out->counter_after))
		return bad(err, WHAT_ISSUE, "the counter after (C6)",
		    "is missing or not 4 bytes long");
	if (!hl_tlv_find(answer, TAG_REQUEST_ID, &v) ||
	    v.n != sizeof(out->request_id.b))
		return bad(err, WHAT_ISSUE, "the request ID (CA)",
		    "is missing or not 16 bytes long");
	out->counted = true;
	memcpy(out->request_id.b, v.p, v.n);
	out->bound = hl_uuid_equal(&out->request_id, request_id);
	return HL_OK;
}

static void
build_request(
    hl_buf *out, const uint8_t *cert, size_t n, const hl_uuid *request_id)
{
	hl_buf body = HL_BUF_INIT;

	hl_tlv_put(&body, TAG_CERT, cert, n);
	hl_tlv_put(&body, TAG_REQUEST_ID, request_id->b, sizeof(request_id->b));
	hl_tlv_put(out, TAG_REQUEST, body.p, body.n);
	out->failed |= body.failed;
	hl_buf_free(&body);
}

static hl_rc
olc_issue(hl_card_link *link, const uint8_t *cert, size_t n,
    const hl_uuid *request_id, hl_card_answer *out, hl_exec *exec,
    hl_deadline until, hl_err *err)
{
	hl_apdu cmd = { .cla = 0x80, .ins = 0x2A, .extended = link->extended };
	hl_buf request = HL_BUF_INIT, data = HL_BUF_INIT;
	hl_rc rc;

	*exec = HL_EXEC_NO;
	if (n == 0 || n > CERT_MAX)
		return hl_fail(err, HL_EINPUT, WHAT_ISSUE, "",
		    "a certificate has 1 to %d bytes, not %zu", CERT_MAX, n);
	build_request(&request, cert, n, request_id);
	if (request.failed) {
		hl_buf_free(&request);
		return hl_nomem(err);
	}
	cmd.data = request.p;
	cmd.n = request.n;
	rc =
	    hl_apdu_exchange(link->ch, &cmd, &data, &out->sw, exec, until, err);
	if (rc == HL_OK && out->sw != 0x9000)
		rc = refused(out->sw, exec, err);
	else if (rc == HL_OK) {
		rc = parse_answer(&data, request_id, out, err);
		if (rc != HL_OK)
			*exec = HL_EXEC_UNKNOWN;
	}
	hl_buf_free(&request);
	hl_buf_free(&data);
	return rc;
}

const hl_card_driver hl_driver_olc = {
	.name = "olc",
	.probe = olc_probe,
	.read = olc_read,
	.issue = olc_issue,
};
