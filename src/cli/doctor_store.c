/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/owner.h"
#include "cli/audit.h"
#include "cli/doctor.h"
#include "cli/store_parts.h"
#include "util/file.h"

/* Far more than a license takes: time to react is what it buys. */
#define SPACE_MIN ((uint64_t)16 * 1024 * 1024)
#define MIB ((uint64_t)1024 * 1024)
#define YEAR_2025_MS INT64_C(1735689600000)
#define YEAR_2100_MS INT64_C(4102444800000)

/* ---- its place ---------------------------------------------------------- */

static void
set_path(hl_doctor *d)
{
	static const char engine[] = "sqlite:";
	const char *url = d->cli->url;

	if (strncmp(url, engine, sizeof(engine) - 1) == 0)
		d->path = url + sizeof(engine) - 1;
	else
		d->path = strstr(url, "://") == NULL ? url : NULL;
}

static void
directory_of(const char *path, char *out, size_t size)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		(void)snprintf(out, size, ".");
	else
		(void)snprintf(out, size, "%.*s",
		    (int)(slash == path ? 1 : slash - path), path);
}

/* False: no store can be made or written there. */
static bool
check_place(hl_doctor *d)
{
	static const char name[] = "store location";
	static const char remedy[] =
	    "check owner and mode, or choose another place with --store";
	char dir[PATH_MAX], at[2 * PATH_MAX];
	uint64_t bytes;
	hl_err err = { 0 };
	bool usable = false;

	if (d->path == NULL) {
		hl_doctor_skip(d, name, "%s is no file", d->cli->url);
		return true;
	}
	directory_of(d->path, dir, sizeof(dir));
	if (!hl_doctor_writable(dir, at, sizeof(at)))
		hl_doctor_fail(d, name, remedy, "%s cannot be written", at);
	else if (access(d->path, F_OK) == 0 &&
	    access(d->path, R_OK | W_OK) != 0)
		hl_doctor_fail(
		    d, name, remedy, "%s cannot be written", d->path);
	else {
		hl_doctor_ok(d, name, "%s", d->path);
		usable = true;
	}
	if (hl_file_free_space(at, &bytes, &err) != HL_OK)
		hl_doctor_error(d, "free space", &err);
	else if (bytes < SPACE_MIN)
		hl_doctor_fail(d, "free space", "make room on that file system",
		    "%llu KiB at %s", (unsigned long long)(bytes / 1024), at);
	else
		hl_doctor_ok(d, "free space", "%llu MiB at %s",
		    (unsigned long long)(bytes / MIB), at);
	return usable;
}

/* ---- the store ---------------------------------------------------------- */

static void
check_mode(hl_doctor *d)
{
	char remedy[PATH_MAX + 16];
	struct stat st;

	if (d->path == NULL || stat(d->path, &st) != 0)
		return;
	(void)snprintf(remedy, sizeof(remedy), "chmod 600 %s", d->path);
	if ((st.st_mode & 077) == 0)
		hl_doctor_ok(d, "store mode", "%04o, nobody else reads it",
		    (unsigned)st.st_mode & 07777);
	else
		hl_doctor_fail(d, "store mode", remedy,
		    "%04o: others may read or write it",
		    (unsigned)st.st_mode & 07777);
}

static void
keep_first(void *arg, const char *text)
{
	char *first = arg;

	if (first[0] == '\0')
		(void)hl_text_copy(first, HL_TEXT_MAX + 1, text);
}

static void
check_content(hl_doctor *d)
{
	static const char name[] = "store content";
	hl_text first = "";
	hl_err err = { 0 };
	hl_figures f;
	uint64_t n, events;

	if (hl_store_check_all(
		d->cli->store, keep_first, first, &n, &events, &err) != HL_OK ||
	    hl_store_figures(d->cli->store, 0, INT64_MAX, &f, &err) != HL_OK)
		hl_doctor_error(d, name, &err);
	else if (n > 0)
		hl_doctor_fail(d, name,
		    "hsmlic store check shows all; restore a backup if need be",
		    "%llu %s, the first: %s", (unsigned long long)n,
		    hl_plural(n, "finding", "findings"), first);
	else
		hl_doctor_ok(d, name, "%llu %s, %llu %s, all sound%s",
		    (unsigned long long)f.chips,
		    hl_plural(f.chips, "chip", "chips"),
		    (unsigned long long)f.licenses,
		    hl_plural(f.licenses, "license", "licenses"),
		    events == 0 ? ""
				: "; the ledger is long, and was not checked: "
				  "hsmlic audit verify does that");
}

struct open_count {
	const char *side;
	unsigned in_progress, in_doubt;
};

static bool
count_open(void *arg, const hl_issue *i)
{
	struct open_count *c = arg;

	if (hl_owner_alive(c->side, &i->owner))
		c->in_progress++;
	else
		c->in_doubt++;
	return true;
}

static void
check_open(hl_doctor *d)
{
	struct open_count c = { hl_store_side_dir(d->cli->store), 0, 0 };
	hl_err err = { 0 };

	if (hl_store_issue_list_open(d->cli->store, count_open, &c, &err) !=
	    HL_OK)
		hl_doctor_error(d, "open requests", &err);
	else if (c.in_doubt > 0)
		hl_doctor_fail(d, "open requests", "hsmlic recover",
		    "%u in doubt, %u in progress", c.in_doubt, c.in_progress);
	else
		hl_doctor_ok(d, "open requests",
		    "none in doubt, %u in progress", c.in_progress);
}

#define CHECKPOINT                                                             \
	"make one with hsmlic audit checkpoint, and keep it elsewhere"

static void
check_ledger(hl_doctor *d)
{
	static const char name[] = "ledger";
	hl_ledger_state l;
	hl_err err = { 0 };
	char at[HL_TIME_TEXT];

	if (hl_ledger_state_get(d->cli->store, hl_now_ms(), &l, &err) !=
	    HL_OK) {
		hl_doctor_error(d, name, &err);
		return;
	}
	hl_time_text(l.at, at);
	if (l.due && l.has_checkpoint)
		hl_doctor_warn(d, name, CHECKPOINT,
		    "%llu %s of %llu since the last checkpoint, of %s: nobody "
		    "else vouches for them",
		    (unsigned long long)l.since,
		    hl_plural(l.since, "event", "events"),
		    (unsigned long long)l.events, at);
	else if (l.due)
		hl_doctor_warn(d, name, CHECKPOINT,
		    "no checkpoint was ever made: %llu events are vouched for "
		    "by nobody else",
		    (unsigned long long)l.events);
	else if (l.has_checkpoint)
		hl_doctor_ok(d, name,
		    "%llu %s, %llu of them since the last checkpoint, of %s",
		    (unsigned long long)l.events,
		    hl_plural(l.events, "event", "events"),
		    (unsigned long long)l.since, at);
	else
		hl_doctor_ok(d, name,
		    "%llu %s; no checkpoint was ever made, so nobody else can "
		    "vouch for them",
		    (unsigned long long)l.events,
		    hl_plural(l.events, "event", "events"));
}

/* ---- the clock ---------------------------------------------------------- */

static void
check_clock(hl_doctor *d)
{
	static const char remedy[] =
	    "set the clock (timedatectl set-ntp true); records keep the times "
	    "that they were given";
	const int64_t now = hl_now_ms();
	char at[HL_TIME_TEXT], newest[HL_TIME_TEXT];
	int64_t last = 0;
	hl_err err = { 0 };

	hl_time_text(now, at);
	if (d->cli->store != NULL &&
	    hl_store_last_time(d->cli->store, &last, &err) != HL_OK)
		hl_doctor_error(d, "clock", &err);
	else if (now < YEAR_2025_MS || now > YEAR_2100_MS)
		hl_doctor_fail(d, "clock", remedy, "%s cannot be right", at);
	else if (last > now) {
		hl_time_text(last, newest);
		hl_doctor_fail(d, "clock", remedy,
		    "%s, but the newest record is of %s", at, newest);
	} else
		hl_doctor_ok(d, "clock", "%s", at);
}

static bool
open_store(hl_doctor *d, bool usable)
{
	const hl_store_options opt = { .create = false };
	hl_err err = { 0 };
	hl_store_info info;
	char id[HL_UUID_TEXT];
	hl_rc rc;

	rc = hl_store_open(&d->cli->store, d->cli->url, &opt, &err);
	if (rc == HL_OK)
		rc = hl_store_info_get(d->cli->store, &info, &err);
	if (rc == HL_ENOTFOUND) {
		if (usable)
			hl_doctor_ok(d, "store",
			    "there is none yet: the first get makes it");
		else
			hl_doctor_skip(d, "store",
			    "there is none, and none can be made there");
		return false;
	}
	if (rc != HL_OK) {
		hl_doctor_error(d, "store", &err);
		return false;
	}
	hl_uuid_text(&info.id, id);
	hl_doctor_ok(
	    d, "store", "%s %s, schema %u", info.engine, id, info.schema);
	return true;
}

void
hl_doctor_store(hl_doctor *d)
{
	bool usable;

	set_path(d);
	usable = check_place(d);
	if (open_store(d, usable)) {
		check_mode(d);
		check_content(d);
		check_open(d);
		check_ledger(d);
	}
	check_clock(d);
}
