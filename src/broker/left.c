/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/left.h"

#include <string.h>

#include "broker/rescue.h"

void
hl_left_adopt(hl_broker *b, const hl_uuid *issue,
    const uint8_t cert_sha256[HL_SHA256_LEN])
{
	hl_rescue r = { .issue = *issue };
	hl_card_answer a;
	bool good;
	hl_rc rc;

	if (hl_card_left_behind(b->spool_dir, issue, &a, &good, NULL) != HL_OK)
		return;
	memcpy(r.cert_sha256, cert_sha256, sizeof(r.cert_sha256));
	memcpy(r.license, a.license, a.n);
	r.n = a.n;
	rc = good ? hl_spool_put(b->side, &r, NULL)
		  : hl_suspect_put(b->side, &r, NULL);
	if (rc == HL_OK)
		hl_card_forget(b->spool_dir, issue);
}
