/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/internal.h"
#include "util/file.h"

static hl_rc
set_paths(hl_broker *b, const char *rescue_dir, hl_err *err)
{
	hl_rc rc;

	if ((rc = hl_path(b->lock_dir, sizeof(b->lock_dir), err, "%s/lock",
		 b->side)) != HL_OK ||
	    (rc = hl_path(b->spool_dir, sizeof(b->spool_dir), err, "%s/spool",
		 b->side)) != HL_OK)
		return rc;
	if (rescue_dir != NULL)
		return hl_path(b->rescue_dir, sizeof(b->rescue_dir), err, "%s",
		    rescue_dir);
	return hl_path(b->rescue_dir, sizeof(b->rescue_dir), err,
	    "/var/tmp/hsmlic-rescue-%lu", (unsigned long)getuid());
}

hl_rc
hl_broker_new(
    hl_broker **out, hl_store *store, const hl_broker_options *opt, hl_err *err)
{
	hl_broker *b = calloc(1, sizeof(*b));
	hl_rc rc;

	*out = NULL;
	if (b == NULL)
		return hl_nomem(err);
	b->store = store;
	b->opt = *opt;
	b->slot_asked = opt->slot;
	if (store == NULL) {
		*out = b;
		return HL_OK;
	}
	b->side = hl_store_side_dir(store);
	if ((rc = set_paths(b, opt->rescue_dir, err)) != HL_OK) {
		hl_broker_free(&b);
		return rc;
	}
	*out = b;
	return HL_OK;
}

void
hl_broker_connect(hl_broker *b, const hl_connect *target, const char *tfa)
{
	b->connect = target;
	b->tfa = tfa;
}

void
hl_broker_free(hl_broker **b)
{
	if (*b == NULL)
		return;
	hl_owner_free(&(*b)->owner);
	free(*b);
	*b = NULL;
}

HL_PRINTF(3, 0)
static void
tell(const hl_broker *b, void (*to)(void *arg, const char *text),
    const char *fmt, va_list ap)
{
	char text[512];

	if (to == NULL)
		return;
	(void)hl_text_vformat(text, sizeof(text), fmt, ap);
	to(b->opt.arg, text);
}

void
hl_broker_note(hl_broker *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(b, b->opt.note, fmt, ap);
	va_end(ap);
}

void
hl_broker_detail(hl_broker *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(b, b->opt.detail, fmt, ap);
	va_end(ap);
}
