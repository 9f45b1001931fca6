/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/owner.h"

#include <limits.h>
#include <unistd.h>

#include "util/file.h"

#define SWEEP_MS 1000 /* a sweep may hold a new lock for a moment */

static hl_rc
owner_path(
    char *out, size_t size, const char *side, const hl_uuid *id, hl_err *err)
{
	char text[HL_UUID_TEXT];

	hl_uuid_text(id, text);
	return hl_path(out, size, err, "%s/owner/%s.lock", side, text);
}

hl_rc
hl_owner_take(hl_owner *o, const char *side, hl_err *err)
{
	char path[PATH_MAX];
	hl_rc rc;

	if (o->lock != NULL)
		return HL_OK;
	if ((rc = hl_uuid_new(&o->id, err)) != HL_OK ||
	    (rc = owner_path(path, sizeof(path), side, &o->id, err)) != HL_OK)
		return rc;
	return hl_lock_take(&o->lock, path, hl_deadline_in(SWEEP_MS), err);
}

void
hl_owner_free(hl_owner *o)
{
	hl_lock_free(&o->lock, true);
}

bool
hl_owner_alive(const char *side, const hl_uuid *id)
{
	char path[PATH_MAX];

	if (owner_path(path, sizeof(path), side, id, NULL) != HL_OK)
		return true; /* cannot be told: leave it alone */
	return hl_lock_held(path);
}

void
hl_owner_forget(const char *side, const hl_uuid *id)
{
	char path[PATH_MAX];

	if (owner_path(path, sizeof(path), side, id, NULL) == HL_OK &&
	    !hl_lock_held(path))
		(void)unlink(path);
}
