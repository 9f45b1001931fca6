/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that end in the middle, damaged files, locks, full disks. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/conform.h"
#include "store/raw.h"
#include "store/scratch.h"
#include "store/vfs.h"

/* Runs `fn` in a child that ends without closing anything; its exit code. */
static int
in_child(fixture *f, int (*fn)(fixture *f))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn(f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
open_and_die(fixture *f)
{
	return hl_store_open(&f->s, f->url, NULL, &f->err) == HL_OK ? 0 : 1;
}

static unsigned
marks(const fixture *f, bool all)
{
	char path[300];
	struct dirent *e;
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s.d/open", raw_path(f));
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.' ||
		    (all && strlen(e->d_name) > strlen(".."));
	closedir(d);
	return n;
}

static const uint8_t garbage[64] = { 0xde, 0xad, 0xbe, 0xef, 0xff, 0xff };

/* A page that no lookup at open reads: found only by a check. */
static void
damage(const fixture *f)
{
	const long page = raw_root_page(raw_path(f), "uses_store");

	raw_poke(raw_path(f), (page - 1) * 4096, garbage, sizeof(garbage));
}

static void
clean_close_leaves_nothing(void **state)
{
	fixture *f = *state;
	hl_store *second;

	assert_int_equal(marks(f, true), 1);
	OK(f, hl_store_open(&second, f->url, NULL, &f->err));
	assert_int_equal(marks(f, true), 2);
	hl_store_close(&second);
	assert_int_equal(marks(f, true), 1);
	hl_store_close(&f->s);
	assert_int_equal(marks(f, true), 0);
	/* and the next open trusts it: no look at every page */
	damage(f);
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
}

static void
unclean_close_is_checked(void **state)
{
	const hl_store_options read = { .read_only = true };
	fixture *f = *state;

	hl_store_close(&f->s);
	assert_int_equal(in_child(f, open_and_die), 0);
	assert_int_equal(in_child(f, open_and_die), 0);
	assert_int_equal(marks(f, false), 1); /* the second took the first's */
	damage(f);
	assert_int_equal(
	    hl_store_open(&f->s, f->url, NULL, &f->err), HL_ESTORE);
	assert_non_null(strstr(f->err.why, "damaged"));
	assert_string_not_equal(f->err.hint, "");
	EXPECT(f, HL_ESTORE, hl_store_open(&f->s, f->url, NULL, &f->err));
	EXPECT(f, HL_ESTORE, hl_store_open(&f->s, f->url, &read, &f->err));
	assert_int_equal(marks(f, false), 1); /* until it is healthy again */
}

static void
unclean_close_is_forgotten(void **state)
{
	const hl_store_options read = { .read_only = true };
	fixture *f = *state;

	hl_store_close(&f->s);
	assert_int_equal(in_child(f, open_and_die), 0);
	OK(f, hl_store_open(&f->s, f->url, &read, &f->err));
	assert_int_equal(marks(f, false), 1);
	hl_store_close(&f->s);
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
	assert_int_equal(marks(f, true), 1);
	hl_store_close(&f->s);
	damage(f);
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
}

/* One that is still open is no crash. */
static void
open_elsewhere_is_clean(void **state)
{
	fixture *f = *state;
	hl_store *second;

	damage(f);
	OK(f, hl_store_open(&second, f->url, NULL, &f->err));
	hl_store_close(&second);
	assert_int_equal(marks(f, false), 1);
}

/* ---- a commit that was cut off ------------------------------------------ */

/* Half of a transaction is in the file, the other half in the journal. */
static int
die_in_commit(fixture *f)
{
	sqlite3 *db = raw_open_unguarded(raw_path(f));

	raw_exec(db,
	    "PRAGMA journal_mode = TRUNCATE; PRAGMA cache_size = 1; "
	    "PRAGMA cache_spill = 1; BEGIN IMMEDIATE; "
	    "UPDATE chips SET label = 'torn' || n; "
	    "DELETE FROM cards; UPDATE certificates SET "
	    "bytes = zeroblob(4000)");
	return 0;
}

static void
die_with_hot_journal(fixture *f)
{
	char journal[300];
	struct stat st;

	hl_store_close(&f->s);
	assert_int_equal(in_child(f, die_in_commit), 0);
	snprintf(journal, sizeof(journal), "%s-journal", raw_path(f));
	assert_int_equal(stat(journal, &st), 0);
	assert_true(st.st_size > 4096);
	assert_int_equal(marks(f, true), 0); /* that was not one of ours */
}

static void
hot_journal_is_played_back(void **state)
{
	fixture *f = *state;
	hl_chip chip;

	for (unsigned i = 0; i < 40; i++)
		fx_chip(f, i);
	die_with_hot_journal(f);
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
	EXPECT(f, HL_ENOTFOUND,
	    hl_store_chip_by_label(f->s, "torn1", &chip, &f->err));
	fx_check_clean(f);
}

static void
hot_journal_is_checked(void **state)
{
	const hl_store_options read = { .read_only = true };
	fixture *f = *state;
	long page;

	for (unsigned i = 0; i < 40; i++)
		fx_chip(f, i);
	page = raw_root_page(raw_path(f), "uses_store");
	die_with_hot_journal(f);
	raw_poke(raw_path(f), (page - 1) * 4096, garbage, sizeof(garbage));
	EXPECT(f, HL_ESTORE, hl_store_open(&f->s, f->url, &read, &f->err));
	assert_int_equal(
	    hl_store_open(&f->s, f->url, NULL, &f->err), HL_ESTORE);
	assert_non_null(strstr(f->err.why, "damaged"));
}

/* ---- damage ------------------------------------------------------------- */

static void
damaged_header(void **state)
{
	fixture *f = *state;

	hl_store_close(&f->s);
	raw_poke(raw_path(f), 0, "Damaged format 3", 16);
	EXPECT(f, HL_ESTORE, hl_store_open(&f->s, f->url, NULL, &f->err));
}

static void
cut_short(void **state)
{
	fixture *f = *state;

	for (unsigned i = 0; i < 40; i++)
		fx_chip(f, i);
	hl_store_close(&f->s);
	assert_int_equal(truncate(raw_path(f), 3 * 4096), 0);
	EXPECT(f, HL_ESTORE, hl_store_open(&f->s, f->url, NULL, &f->err));
}

static void
damaged_table(void **state)
{
	fixture *f = *state;
	const hl_uid uid = fx_uid(1);
	hl_chip chip;
	long page;

	fx_chip(f, 1);
	hl_store_close(&f->s);
	page = raw_root_page(raw_path(f), "chips");
	raw_poke(raw_path(f), (page - 1) * 4096, garbage, sizeof(garbage));
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
	EXPECT(f, HL_ESTORE, hl_store_chip_by_uid(f->s, &uid, &chip, &f->err));
	assert_non_null(strstr(f->err.why, "damaged"));
	EXPECT(f, HL_ESTORE,
	    hl_store_chip_put(f->s, NULL, &uid, &f->actor, &chip, &f->err));
}

/* ---- locks -------------------------------------------------------------- */

static void
locked_too_long(void **state)
{
	const hl_store_options brief = { .busy_ms = 30 };
	fixture *f = *state;
	const hl_uid uid = fx_uid(1);
	sqlite3 *db;
	hl_store *s;
	hl_chip chip;

	raw_reopen(f);
	hl_store_close(&f->s);
	OK(f, hl_store_open(&f->s, f->url, &brief, &f->err));
	db = raw_open(raw_path(f));
	raw_exec(db, "BEGIN IMMEDIATE");
	EXPECT(f, HL_ESTORE,
	    hl_store_chip_put(f->s, NULL, &uid, &f->actor, &chip, &f->err));
	assert_non_null(strstr(f->err.why, "locked by another process"));
	assert_non_null(strstr(f->err.why, "30 ms"));
	EXPECT(
	    f, HL_ENOTFOUND, hl_store_chip_by_uid(f->s, &uid, &chip, &f->err));
	raw_exec(db, "COMMIT; BEGIN EXCLUSIVE");
	EXPECT(f, HL_ESTORE, hl_store_chip_by_uid(f->s, &uid, &chip, &f->err));
	EXPECT(f, HL_ESTORE, hl_store_open(&s, f->url, &brief, &f->err));
	raw_exec(db, "COMMIT");
	/* a reader keeps the commit itself from ending */
	raw_exec(db, "BEGIN; SELECT count(*) FROM chips");
	EXPECT(f, HL_ESTORE,
	    hl_store_chip_put(f->s, NULL, &uid, &f->actor, &chip, &f->err));
	raw_exec(db, "COMMIT");
	EXPECT(
	    f, HL_ENOTFOUND, hl_store_chip_by_uid(f->s, &uid, &chip, &f->err));
	OK(f, hl_store_chip_put(f->s, NULL, &uid, &f->actor, &chip, &f->err));
	sqlite3_close(db);
	fx_check_clean(f);
}

/* ---- no space ----------------------------------------------------------- */

static void
limit_files(rlim_t bytes)
{
	struct rlimit l;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
	signal(SIGXFSZ, SIG_IGN);
}

/* Exit code 0: ended with HL_EFULL, and what had been recorded stayed. */
static int
fill_it_up(fixture *f)
{
	static uint8_t bytes[HL_LICENSE_MAX];
	hl_card_row card;
	unsigned n = 0;
	hl_figures fig;
	hl_rc rc;

	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
	card = fx_card(f, 1, 300);
	limit_files(400 * 1024);
	do {
		const hl_uid uid = fx_uid(n);
		hl_chip chip;
		hl_uuid id;

		rc = hl_store_chip_put(
		    f->s, NULL, &uid, &f->actor, &chip, &f->err);
		if (rc != HL_OK)
			break;
		rc = hl_store_license_import(f->s, &chip.id, &card.firmware,
		    bytes, sizeof(bytes), &f->actor, &id, &f->err);
		n += rc == HL_OK;
	} while (rc == HL_OK && n < 1000);
	if (rc != HL_EFULL) {
		fprintf(stderr, "%s: %s\n", f->err.what, f->err.why);
		return 2;
	}
	if (hl_store_figures(f->s, 0, INT64_MAX, &fig, &f->err) != HL_OK)
		return 3;
	if (fig.licenses != n || n < 3)
		return 4;
	limit_files(RLIM_INFINITY);
	fx_check_clean(f);
	fx_chip(f, 5000); /* goes on when there is room again */
	hl_store_close(&f->s);
	return 0;
}

static void
no_space(void **state)
{
	fixture *f = *state;

	hl_store_close(&f->s);
	assert_int_equal(in_child(f, fill_it_up), 0);
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
	fx_check_clean(f);
}

static int
make_without_space(fixture *f)
{
	const hl_store_options create = { .create = true };

	limit_files(8192);
	return hl_store_open(&f->s, f->url, &create, &f->err) == HL_EFULL ? 0
									  : 1;
}

static void
no_space_for_a_new_one(void **state)
{
	const hl_store_options create = { .create = true };
	fixture *f = *state;

	hl_store_close(&f->s);
	factory->drop(f->url);
	factory->make(f->url, sizeof(f->url));
	assert_int_equal(in_child(f, make_without_space), 0);
	OK(f, hl_store_open(&f->s, f->url, &create, &f->err));
	fx_check_clean(f);
}

/* ---- a disk that fails -------------------------------------------------- */

/* After a failed sync nobody knows what the disk has: it records no more. */
static void
failed_sync(void **state)
{
	fixture *f = *state;
	const hl_uid uid = fx_uid(2);
	hl_chip chip;

	vfs_break(VFS_SYNC, 0);
	raw_reopen(f);
	fx_chip(f, 1);
	vfs_break(VFS_SYNC, 1);
	EXPECT(f, HL_ESTORE,
	    hl_store_chip_put(f->s, NULL, &uid, &f->actor, &chip, &f->err));
	vfs_break(VFS_SYNC, 0);
	EXPECT(f, HL_ESTORE,
	    hl_store_chip_put(f->s, NULL, &uid, &f->actor, &chip, &f->err));
	assert_non_null(strstr(f->err.why, "failed to sync"));
	hl_store_close(&f->s);
	assert_int_equal(marks(f, false), 1);
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
	assert_int_equal(marks(f, false), 1);
	EXPECT(
	    f, HL_ENOTFOUND, hl_store_chip_by_uid(f->s, &uid, &chip, &f->err));
	OK(f, hl_store_chip_put(f->s, NULL, &uid, &f->actor, &chip, &f->err));
	fx_check_clean(f);
}

/* Every operation fails once, at every place where it can. */
static void
each_failure_leaves_all_or_nothing(void **state)
{
	static const int kinds[] = { VFS_SYNC, VFS_WRITE, VFS_TRUNCATE,
		VFS_READ };
	fixture *f = *state;
	const hl_card_row card = fx_card(f, 1, 1000);
	unsigned n = 0, failed = 0;

	vfs_break(VFS_SYNC, 0);
	for (size_t k = 0; k < HL_COUNT(kinds); k++) {
		bool fired = true;

		for (int at = 1; fired; at++) {
			const hl_chip chip = fx_chip(f, n);
			const uint32_t c = fx_card_now(f, &card).last_counter;
			const hl_issue one = fx_open(f, &chip, &card, c);
			const hl_outcome o =
			    fx_outcome(f, &one, HL_ISSUE_ISSUED, c - 1, n++);
			hl_issue now;
			hl_rc rc;

			raw_reopen(f);
			vfs_break(kinds[k], at);
			rc = hl_store_intent_close(f->s, &o, NULL, &f->err);
			fired = vfs_fired();
			vfs_break(VFS_SYNC, 0);
			failed += rc != HL_OK;
			assert_true(fired || rc == HL_OK);
			raw_reopen(f);
			fx_check_clean(f);
			OK(f,
			    hl_store_issue_by_id(f->s, &one.id, &now, &f->err));
			assert_true(now.state == HL_ISSUE_ISSUED ||
			    (now.state == HL_ISSUE_OPEN && rc != HL_OK));
			if (now.state == HL_ISSUE_OPEN) {
				OK(f,
				    hl_store_intent_close(
					f->s, &o, NULL, &f->err));
			}
			assert_true(at < 200);
		}
	}
	print_message("    %u outcomes, %u of them failed\n", n, failed);
	assert_true(failed >= 10);
	fx_check_clean(f);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RAW_TEST(clean_close_leaves_nothing),
		RAW_TEST(unclean_close_is_checked),
		RAW_TEST(unclean_close_is_forgotten),
		RAW_TEST(open_elsewhere_is_clean),
		RAW_TEST(hot_journal_is_played_back),
		RAW_TEST(hot_journal_is_checked),
		RAW_TEST(damaged_header),
		RAW_TEST(cut_short),
		RAW_TEST(damaged_table),
		RAW_TEST(locked_too_long),
		RAW_TEST(no_space),
		RAW_TEST(no_space_for_a_new_one),
		RAW_TEST(failed_sync),
		RAW_TEST(each_failure_leaves_all_or_nothing),
	};

	vfs_install();
	factory = &sqlite_factory;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
