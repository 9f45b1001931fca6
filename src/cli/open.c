/* SPDX-License-Identifier: Apache-2.0 */
/* The store and the broker that a command works with. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/parts.h"
#include "util/file.h"
#include "util/text.h"

#define LOCK_MIN_MS 1000 /* what a commit by others may take at any rate */

static hl_rc
default_url(char *out, size_t size, hl_err *err)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (state != NULL && state[0] == '/')
		return hl_path(out, size, err, "%s/hsmlic/store.db", state);
	if (home != NULL && home[0] == '/')
		return hl_path(
		    out, size, err, "%s/.local/state/hsmlic/store.db", home);
	return hl_fail(err, HL_EUSAGE, "find the store", "give --store PATH",
	    "neither XDG_STATE_HOME nor HOME is set");
}

hl_rc
hl_cli_set_url(hl_cli *cli, hl_err *err)
{
	const char *given = hl_opt(cli, "store");
	hl_rc rc;

	if (given == NULL)
		return default_url(cli->url, sizeof(cli->url), err);
	if (given[0] == '\0') {
		rc = hl_fail(err, HL_EUSAGE, "find the store",
		    "give --store PATH", "the store's name is empty");
		hl_opt_blame(cli, "store", err);
		return rc;
	}
	return hl_path(cli->url, sizeof(cli->url), err, "%s", given);
}

/* Tells when the store did not exist before; a mistyped path shows up so. */
static hl_rc
tell_new_store(hl_cli *cli, int64_t since, hl_err *err)
{
	hl_store_info info;
	hl_rc rc = hl_store_info_get(cli->store, &info, err);

	if (rc == HL_OK && info.created_at >= since)
		hl_message(cli, "made a new store: %s", cli->url);
	return rc;
}

bool
hl_cli_may_only_read(const hl_cli *cli)
{
	static const char engine[] = "sqlite:";
	const char *path = cli->url, *slash;
	char dir[HL_STORE_URL_MAX] = ".";

	if (hl_text_starts(path, engine))
		path += strlen(engine);
	slash = strrchr(path, '/');
	if (slash != NULL)
		(void)hl_text_format(dir, sizeof(dir), "%.*s",
		    (int)(slash == path ? 1 : slash - path), path);
	return faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0 &&
	    (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0 ||
		faccessat(AT_FDCWD, dir, W_OK, AT_EACCESS) != 0);
}

void
hl_cli_tell_read_only(const hl_cli *cli)
{
	hl_message(cli, "the store may only be read: nothing is recorded");
}

static hl_rc
open_store(hl_cli *cli, bool create, hl_err *err)
{
	const bool only_read = hl_cli_may_only_read(cli);
	const unsigned needs = cli->command->needs;
	const hl_store_options opt = { .create = create,
		.read_only = only_read && (needs & HL_ONLY_READS) != 0,
		.busy_ms = cli->timeout_ms > LOCK_MIN_MS ? cli->timeout_ms
							 : LOCK_MIN_MS };
	hl_rc rc = hl_store_open(&cli->store, cli->url, &opt, err);

	cli->read_only = opt.read_only;
	if (rc == HL_OK && opt.read_only &&
	    (needs & (HL_NEED_BROKER | HL_NEED_LOOK)) != 0)
		hl_cli_tell_read_only(cli);
	if (rc == HL_ESTORE && only_read && !opt.read_only)
		hl_err_hint(err,
		    "this command writes to the store, which you may only "
		    "read; the lists, show, status, store check, reconcile and "
		    "audit (but for checkpoint) need no more");
	return rc;
}

/* Programs that know the older schema alone cannot open it from now on. */
static void
tell_upgraded(hl_cli *cli)
{
	hl_store_info info;

	if (hl_store_info_get(cli->store, &info, NULL) == HL_OK &&
	    info.schema_found < info.schema)
		hl_message(cli,
		    "the store %s was brought from schema %u to %u: an older "
		    "hsmlic cannot open it any more",
		    cli->url, info.schema_found, info.schema);
}

static hl_rc
no_store(const hl_cli *cli, hl_err *err)
{
	return hl_fail(err, HL_ESTORE, "open the store",
	    "is its disk mounted, its name right? make a new one with hsmlic "
	    "store init",
	    "there is no store at %s", cli->url);
}

/* ---- a dry run where no store is ----------------------------------------- */

/*
 * Makes none: the command works with an empty one of its own, which is gone
 * when it ends.
 */
static hl_rc
open_scratch(hl_cli *cli, hl_err *err)
{
	hl_rc rc = hl_dir_temporary(cli->scratch, sizeof(cli->scratch), err);

	if (rc != HL_OK)
		return rc;
	rc = hl_path(
	    cli->url, sizeof(cli->url), err, "%s/store.db", cli->scratch);
	return rc == HL_OK ? open_store(cli, true, err) : rc;
}

static hl_rc
look_or_scratch(hl_cli *cli, hl_err *err)
{
	hl_err e = { 0 };
	hl_rc rc = open_store(cli, false, &e);

	if (rc == HL_ENOTFOUND) {
		hl_message(cli,
		    "there is no store at %s yet; a dry run makes none",
		    cli->url);
		return open_scratch(cli, err);
	}
	if (rc != HL_OK && err != NULL)
		*err = e;
	return rc;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	(void)place;
	(void)remove(path);
	return 0;
}

void
hl_cli_remove_scratch(hl_cli *cli)
{
	if (cli->scratch[0] != '\0')
		(void)nftw(cli->scratch, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	cli->scratch[0] = '\0';
}

hl_rc
hl_cli_open_store(hl_cli *cli, bool create, hl_err *err)
{
	const int64_t now = hl_now_ms();
	hl_rc rc;

	if (create && cli->dry_run)
		return look_or_scratch(cli, err);
	rc = open_store(cli, create, err);
	if (rc == HL_ENOTFOUND)
		return no_store(cli, err);
	if (rc == HL_OK)
		tell_upgraded(cli);
	return rc == HL_OK && create ? tell_new_store(cli, now, err) : rc;
}

static void
on_note(void *arg, const char *text)
{
	hl_print_note(arg, text);
}

static void
on_detail(void *arg, const char *text)
{
	hl_detail(arg, "%s", text);
}

static bool
on_rescue(void *arg, const char *line)
{
	(void)arg;
	return fprintf(stderr, "%s\n", line) > 0 && fflush(stderr) == 0;
}

hl_rc
hl_cli_open_broker(hl_cli *cli, hl_err *err)
{
	hl_broker_options opt = { .rescue_dir = hl_opt(cli, "rescue-dir"),
		.note = on_note,
		.rescue = on_rescue,
		.arg = cli,
		.detail = on_detail,
		.program = hl_opt(cli, "stm32prog"),
		.station = cli->actor.station,
		.stm32hsm = hl_opt(cli, "driver") != NULL };
	hl_rc rc = hl_slot_option(cli, &opt.slot, err);

	if (rc != HL_OK)
		return rc;
	return hl_broker_new(&cli->broker, cli->store, &opt, err);
}

static bool
from_file(const hl_cli *cli, const char *option)
{
	for (size_t i = 0; i < cli->n_values; i++)
		if (strcmp(cli->values[i].option->name, option) == 0)
			return cli->values[i].from_file;
	return false;
}

static bool
folder_is_there(const char *url)
{
	char dir[HL_STORE_URL_MAX];
	char *slash;

	if (strncmp(url, "sqlite:", strlen("sqlite:")) == 0)
		url += strlen("sqlite:");
	(void)hl_text_copy(dir, sizeof(dir), url);
	slash = strrchr(dir, '/');
	if (slash == NULL || slash == dir)
		return true;
	*slash = '\0';
	return access(dir, F_OK) == 0;
}

/*
 * The default store is made on its first use. One that is named may be missing
 * because a disk is not mounted or a name mistyped, and in an empty store every
 * unit would be spent again: it is made only where its folder is, and never
 * when the configuration of a station names it.
 */
bool
hl_cli_may_make_store(const hl_cli *cli)
{
	if (hl_opt(cli, "store") == NULL)
		return true;
	return (cli->command->needs & HL_NEED_MAKE) != 0 &&
	    !from_file(cli, "store") && folder_is_there(cli->url);
}

/*
 * For commands that only look. A store that is lost must not pass for one that
 * is empty: that there is none is said, and where its folder is gone, too, it
 * is an error. One that left its side directory behind is an error already.
 */
hl_rc
hl_cli_look_store(hl_cli *cli, hl_err *err)
{
	hl_err e = { 0 };
	char text[HL_STORE_URL_MAX + 80];
	hl_rc rc = open_store(cli, false, &e);

	if (rc == HL_ENOTFOUND && hl_opt(cli, "store") != NULL &&
	    !folder_is_there(cli->url))
		return no_store(cli, err);
	if (rc == HL_ENOTFOUND) {
		(void)hl_text_format(text, sizeof(text),
		    "there is no store at %s yet: no card is known", cli->url);
		hl_text_clean(text);
		on_note(cli, text);
		return HL_OK;
	}
	if (rc != HL_OK && err != NULL)
		*err = e;
	return rc;
}

/*
 * For those who may read the store and no more. What reading an older one shows
 * is a copy that was brought up to date, whose events nobody can hold against
 * the store's.
 */
hl_rc
hl_cli_read_store(hl_cli *cli, hl_err *err)
{
	const hl_store_options opt = { .read_only = true,
		.altered = (cli->command->needs & HL_SEES_ALTERED) != 0,
		.busy_ms = cli->timeout_ms > LOCK_MIN_MS ? cli->timeout_ms
							 : LOCK_MIN_MS };
	hl_store_info info;
	hl_rc rc;

	rc = hl_store_open(&cli->store, cli->url, &opt, err);
	if (rc == HL_ENOTFOUND)
		return no_store(cli, err);
	/* what is wrong with an altered one, its audit tells */
	if (rc != HL_OK || opt.altered ||
	    (rc = hl_store_info_get(cli->store, &info, err)) != HL_OK)
		return rc;
	if (info.schema_found == info.schema)
		return HL_OK;
	return hl_fail(err, HL_ESTORE, "read the ledger",
	    "bring it up to date: hsmlic store upgrade",
	    "the store %s has schema %u, and no ledger yet", cli->url,
	    info.schema_found);
}
