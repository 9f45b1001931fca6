/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of a request, found out with the card in hand: after an exchange
 * that ended badly, and for issues that a dead process left open.
 */
#ifndef HL_BROKER_SETTLE_H
#define HL_BROKER_SETTLE_H

#include "broker/internal.h"
#include "broker/rescue.h"

typedef struct hl_settled {
	bool open; /* nobody can know yet: the issue stays open */
	hl_issue_state state;
	bool counter_known;
	uint32_t counter_after;
	bool replayed; /* the license came from a repeated request */
	bool spooled;  /* ... and is in the spool by now */
	uint8_t license[HL_LICENSE_MAX];
	size_t n;
	hl_text detail; /* what was seen */
} hl_settled;

typedef struct hl_settle_card {
	hl_card *card;
	hl_card_info info; /* as it was read last */
	const hl_issue *issue;
	const hl_cert *cert;
	bool exclusive;	     /* ours alone since the request was sent */
	unsigned sends_left; /* times that the same request may go out again */
	hl_deadline until;
} hl_settle_card;

/*
 * The first request of a new intent, and everything until its outcome is known
 * or cannot be known. The intent is durable already. `err` is not NULL; it
 * tells why there is no license (out->open, or a state other than issued).
 */
void hl_settle_request(
    hl_broker *b, hl_settle_card *c, hl_settled *out, hl_err *err);

/*
 * Recovery: the card was read after the request's process was gone. `err` (not
 * NULL) gets the reason when the outcome is open.
 */
void hl_settle_recover(
    hl_broker *b, hl_settle_card *c, hl_settled *out, hl_err *err);

/* What was settled, as a record that survives on its own (s->n > 0). */
void hl_settled_rescue(const hl_settled *s, const hl_issue *issue,
    const hl_cert *cert, hl_rescue *r);

/*
 * The second commit (commit.c). When a license is in *s and the store does not
 * take it, the license is put where it survives, the error says where and
 * units_spent is 1 (HL_EDOUBT).
 */
HL_CHECK hl_rc hl_settle_commit(hl_broker *b, const hl_issue *issue,
    const hl_cert *cert, const hl_settled *s, bool recovered,
    const hl_actor *actor, hl_license *license, hl_err *err);

#endif
