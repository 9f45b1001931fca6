/* SPDX-License-Identifier: Apache-2.0 */
/* Files that a license must never be written over. */
#include <limits.h>
#include <string.h>

#include "cli/parts.h"
#include "util/file.h"
#include "util/text.h"

#define SIM "sim:"

/* The store, or what SQLite and this program keep beside it. */
static bool
is_of_store(const char *path, const char *store)
{
	static const char *const suffixes[] = { "", "-journal", "-wal",
		"-shm" };
	const size_t n = strlen(store);
	char real[PATH_MAX];

	if (hl_file_same(path, store))
		return true;
	if (hl_path_absolute(path, real, sizeof(real), NULL) != HL_OK ||
	    strncmp(real, store, n) != 0)
		return false;
	for (size_t i = 0; i < HL_COUNT(suffixes); i++)
		if (strcmp(real + n, suffixes[i]) == 0)
			return true;
	return strncmp(real + n, ".d/", strlen(".d/")) == 0;
}

static bool
is_file_of(const char *path, const char *card)
{
	return hl_text_starts(card, SIM) &&
	    hl_file_same(path, card + strlen(SIM));
}

struct looking {
	const char *path;
	bool found;
};

static bool
look_at_card(void *arg, const hl_card_row *c)
{
	struct looking *l = arg;

	l->found = is_file_of(l->path, c->reader);
	return !l->found;
}

/* A software card's: the one that is named, or any that the store knows. */
static hl_rc
is_of_card(hl_cli *cli, const char *path, bool *is, hl_err *err)
{
	const char *named = hl_opt(cli, "card");
	struct looking l = { path, named != NULL && is_file_of(path, named) };
	hl_rc rc = HL_OK;

	if (!l.found)
		rc = hl_store_card_list(cli->store, look_at_card, &l, err);
	if (rc == HL_OK)
		*is = l.found;
	return rc;
}

hl_rc
hl_output_check(hl_cli *cli, const char *path, hl_err *err)
{
	hl_store_info info;
	bool of_card;
	hl_rc rc;

	if ((rc = hl_store_info_get(cli->store, &info, err)) != HL_OK ||
	    (rc = is_of_card(cli, path, &of_card, err)) != HL_OK)
		return rc;
	if (!of_card && !is_of_store(path, info.url + strlen("sqlite:")))
		return HL_OK;
	return hl_fail(err, HL_EINPUT, "write the license",
	    "name another file; --force does not help here",
	    "%s is a file of the store or of the card", path);
}
