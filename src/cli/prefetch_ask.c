/* SPDX-License-Identifier: Apache-2.0 */
/* prefetch: the permission, once for all units. */
#include <string.h>

#include "cli/parts.h"
#include "cli/prefetch.h"

static bool
add_units(void *arg, const hl_issue *i)
{
	*(uint32_t *)arg += i->units;
	return true;
}

/* Chips that have cost units before, for which another one would go now. */
static size_t
count_again(hl_prefetch *p)
{
	size_t n = 0;
	hl_chip chip;

	for (size_t i = 0; i < p->n; i++) {
		const hl_prefetch_item *it = &p->items[i];
		uint32_t units = 0;

		if (it->state != HL_PREFETCH_TO_DO ||
		    hl_store_chip_by_cert(
			p->cli->store, it->sha256, &chip, NULL) != HL_OK ||
		    hl_store_issue_list_chip(p->cli->store, &chip.id, add_units,
			&units, NULL) != HL_OK)
			continue;
		n += units > 0;
	}
	return n;
}

/* Not silenced by -q: it is about units. */
static void
tell_cards(const hl_prefetch *p)
{
	hl_buf line = HL_BUF_INIT;
	char text[2 * HL_ERR_WHY];

	for (size_t i = 0; i < p->n_cards; i++) {
		const hl_prefetch_card *c = &p->cards[i];

		if (c->quota == 0)
			continue;
		hl_buf_reset(&line);
		hl_buf_printf(&line,
		    "%s: %u of its %u licenses, %u left after that", c->words,
		    c->quota, c->counter, c->counter - c->quota);
		(void)hl_text_copy(text, sizeof(text), hl_buf_str(&line));
		hl_text_clean(text);
		(void)fprintf(stderr, "hsmlic: %s\n", text);
	}
	hl_buf_free(&line);
}

hl_rc
hl_prefetch_ask(hl_prefetch *p, hl_err *err)
{
	const size_t again = count_again(p);
	char text[HL_ERR_WHAT], before[100] = "";

	tell_cards(p);
	if (again > 0)
		(void)snprintf(before, sizeof(before),
		    "; %zu of these chips %s cost units before", again,
		    hl_plural(again, "has", "have"));
	(void)hl_text_format(text, sizeof(text),
	    "spend %zu %s for %zu of %zu %s, firmware \"%s\" (they can never "
	    "be put back%s)",
	    p->need, hl_plural(p->need, "unit", "units"), p->need, p->n,
	    hl_plural(p->n, "chip", "chips"), p->firmware, before);
	p->cli->until = hl_deadline_in(p->cli->timeout_ms);
	return hl_ask_units(p->cli, text, err);
}
