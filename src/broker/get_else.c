/* SPDX-License-Identifier: Apache-2.0 */
/* What the store keeps for a chip, before another license is paid for. */
#include <string.h>

#include "broker/get.h"

struct look {
	const char *firmware;
	hl_kept_else *out;
};

static bool
look_at(void *arg, const hl_license *l)
{
	struct look *k = arg;
	const bool meant = strcmp(l->firmware_name, k->firmware) == 0;

	if (meant && l->state == HL_LICENSE_SUSPECT)
		k->out->suspect++;
	if (!meant && l->state == HL_LICENSE_ACTIVE) {
		k->out->others++;
		(void)hl_text_copy(k->out->other, sizeof(k->out->other),
		    l->firmware_name);
	}
	return true;
}

hl_rc
hl_get_look_else(
    hl_get *g, const char *firmware, hl_kept_else *out, hl_err *err)
{
	const hl_license_filter filter = { &g->out->chip.id, NULL, true };
	struct look k = { firmware, out };

	memset(out, 0, sizeof(*out));
	if (!g->chip_known)
		return HL_OK;
	return hl_store_license_list(g->b->store, &filter, look_at, &k, err);
}
