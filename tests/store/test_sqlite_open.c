/* SPDX-License-Identifier: Apache-2.0 */
/* Where a store may lie, how it is opened, what is refused. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/conform.h"
#include "store/raw.h"
#include "store/scratch.h"
#include "store/sqlite/place.h"

static const hl_store_options create = { .create = true };

/* ---- settings ----------------------------------------------------------- */

static void
text_of(sqlite3 *db, const char *sql, char *out, size_t size)
{
	sqlite3_stmt *st = NULL;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	snprintf(out, size, "%s", (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
}

static void
settings_are_in_force(void **state)
{
	static const struct {
		const char *sql, *is;
	} pragmas[] = {
		{ "PRAGMA journal_mode", "truncate" },
		{ "PRAGMA synchronous", "3" },
		{ "PRAGMA foreign_keys", "1" },
		{ "PRAGMA trusted_schema", "0" },
		{ "PRAGMA cell_size_check", "1" },
		{ "PRAGMA mmap_size", "0" },
		{ "PRAGMA locking_mode", "normal" },
		{ "PRAGMA busy_timeout", "10000" },
		{ "PRAGMA writable_schema", "0" },
		{ "PRAGMA user_version", "3" },
		{ "PRAGMA application_id", "1212959043" },
		{ "PRAGMA encoding", "UTF-8" },
	};
	fixture *f = *state;
	char is[64];
	int v = -1;

	for (size_t i = 0; i < HL_COUNT(pragmas); i++) {
		text_of(f->s->db, pragmas[i].sql, is, sizeof(is));
		assert_string_equal(is, pragmas[i].is);
	}
	sqlite3_db_config(f->s->db, SQLITE_DBCONFIG_DEFENSIVE, -1, &v);
	assert_int_equal(v, 1);
	sqlite3_db_config(f->s->db, SQLITE_DBCONFIG_DQS_DML, -1, &v);
	assert_int_equal(v, 0);
	sqlite3_db_config(f->s->db, SQLITE_DBCONFIG_DQS_DDL, -1, &v);
	assert_int_equal(v, 0);
	sqlite3_db_config(
	    f->s->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, -1, &v);
	assert_int_equal(v, 0);
}

/* A store that somebody set to write-ahead logging comes back. */
static void
wal_is_taken_back(void **state)
{
	fixture *f = *state;
	char is[64];

	raw_tamper(f, "PRAGMA journal_mode = WAL");
	text_of(f->s->db, "PRAGMA journal_mode", is, sizeof(is));
	assert_string_equal(is, "truncate");
	fx_chip(f, 1);
	fx_check_clean(f);
}

static void
seen_by_file_1(void **state)
{
	fixture *f = *state;
	char head[72] = "";
	FILE *file = fopen(raw_path(f), "rb");

	assert_non_null(file);
	assert_int_equal(fread(head, 1, sizeof(head), file), sizeof(head));
	fclose(file);
	assert_memory_equal(head, "SQLite format 3", 16);
	assert_memory_equal(head + 68, "HLIC", 4);
}

/* ---- modes -------------------------------------------------------------- */

static mode_t
mode_of(const char *dir, const char *name)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s", dir, name);
	if (lstat(path, &st) != 0)
		fail_msg("%s: %s", path, strerror(errno));
	return st.st_mode & 07777;
}

/* With these, the directories that it makes would be closed to itself. */
static bool
closes_directories(mode_t mask)
{
	return (mask & 0300) != 0;
}

static void
check_modes(mode_t mask)
{
	const mode_t old = umask(mask);
	fixture f = { .s = NULL };
	char dir[200], url[256];
	hl_rc rc;

	umask(old);
	scratch_make(dir, sizeof(dir));
	snprintf(url, sizeof(url), "%s%s/s.db", dir,
	    closes_directories(mask) ? "" : "/made/here");
	umask(mask);
	rc = hl_store_open(&f.s, url, &create, &f.err);
	umask(old);
	assert_int_equal(mode_of(url, ""), 0600);
	if (!closes_directories(mask)) {
		OK(&f, rc);
		assert_int_equal(mode_of(url, "-journal"), 0600);
		assert_int_equal(mode_of(url, ".d"), 0700);
		assert_int_equal(mode_of(url, ".d/open"), 0700);
		assert_int_equal(mode_of(dir, "/made"), 0700);
		assert_int_equal(mode_of(dir, "/made/here"), 0700);
	}
	hl_store_close(&f.s);
	scratch_drop(dir);
}

static void
modes_whatever_the_umask(void **state)
{
	static const mode_t masks[] = { 0, 022, 077, 0277, 0777 };

	(void)state;
	for (size_t i = 0; i < HL_COUNT(masks); i++)
		check_modes(masks[i]);
}

/* ---- URLs and paths ----------------------------------------------------- */

static void
urls(void **state)
{
	static const struct {
		const char *url;
		hl_rc rc;
	} rows[] = {
		{ "postgresql://db.example/x", HL_EUSAGE },
		{ "postgres://db.example/x", HL_EUSAGE },
		{ "mysql://db.example/x", HL_EUSAGE },
		{ "", HL_EUSAGE },
		{ "sqlite:", HL_EUSAGE },
		{ "sqlite:/nowhere/at/all/s.db", HL_ENOTFOUND },
		{ "/nowhere/at/all/s.db", HL_ENOTFOUND },
		{ "/etc/passwd/s.db", HL_ESTORE },
		{ "sqlite:/", HL_ESTORE },
		{ "/dev/null", HL_ESTORE },
		{ "/etc/passwd", HL_ESTORE },
	};
	fixture *f = *state;
	hl_store *s = (hl_store *)f;

	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		EXPECT(f, rows[i].rc,
		    hl_store_open(&s, rows[i].url, NULL, &f->err));
		assert_null(s);
		assert_int_equal(f->err.rc, rows[i].rc);
	}
	/* A directory that cannot be made. */
	EXPECT(f, HL_ESTORE,
	    hl_store_open(&s, "/proc/nowhere/s.db", &create, &f->err));
	assert_int_equal(f->err.rc, HL_ESTORE);
	assert_int_not_equal(access("/etc/passwd.d", F_OK), 0);
	assert_int_equal(
	    hl_store_open(&s, "postgresql://x/", &create, &f->err), HL_EUSAGE);
	assert_non_null(strstr(f->err.why, "no PostgreSQL engine"));
}

static void
many_ways_to_one_store(void **state)
{
	fixture *f = *state;
	char side[HL_SIDE_MAX], link[256], cwd[PATH_MAX];
	const char *ways[] = { NULL, raw_path(f), "store.db", "./store.db",
		"sqlite:store.db" };
	hl_store *s;

	hl_text_copy(side, sizeof(side), hl_store_side_dir(f->s));
	snprintf(link, sizeof(link), "%s.link", raw_path(f));
	assert_int_equal(symlink(raw_path(f), link), 0);
	ways[0] = link;
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	*strrchr(side, '/') = '\0';
	assert_int_equal(chdir(side), 0);
	for (size_t i = 0; i < HL_COUNT(ways); i++) {
		OK(f, hl_store_open(&s, ways[i], NULL, &f->err));
		assert_string_equal(
		    hl_store_side_dir(s), hl_store_side_dir(f->s));
		hl_store_close(&s);
	}
	assert_int_equal(chdir(cwd), 0);
}

static void
other_kinds_of_file(void **state)
{
	fixture *f = *state;
	char path[300];
	hl_store *s;

	snprintf(path, sizeof(path), "%s.fifo", raw_path(f));
	assert_int_equal(mkfifo(path, 0600), 0);
	EXPECT(f, HL_ESTORE, hl_store_open(&s, path, &create, &f->err));
	snprintf(path, sizeof(path), "%s.dangling", raw_path(f));
	assert_int_equal(symlink("nowhere", path), 0);
	EXPECT(f, HL_ESTORE, hl_store_open(&s, path, &create, &f->err));
	snprintf(path, sizeof(path), "%s.second", raw_path(f));
	assert_int_equal(link(raw_path(f), path), 0);
	EXPECT(f, HL_ESTORE, hl_store_open(&s, path, NULL, &f->err));
	hl_store_close(&f->s);
	EXPECT(f, HL_ESTORE, hl_store_open(&s, f->url, NULL, &f->err));
	assert_non_null(strstr(f->err.why, "2 names"));
	assert_int_equal(unlink(path), 0);
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
}

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void
not_a_store(void **state)
{
	fixture *f = *state;
	char path[300], side[310];
	sqlite3 *db;
	hl_store *s;

	snprintf(path, sizeof(path), "%s.other", raw_path(f));
	snprintf(side, sizeof(side), "%s.d", path);
	write_file(path,
	    "This is a letter, and a long one, too; it has more "
	    "than the hundred bytes that a database has in its "
	    "header, and no such header.\n");
	EXPECT(f, HL_ESTORE, hl_store_open(&s, path, &create, &f->err));
	write_file(path, "x");
	EXPECT(f, HL_ESTORE, hl_store_open(&s, path, &create, &f->err));
	write_file(path, "");
	EXPECT(f, HL_ESTORE, hl_store_open(&s, path, NULL, &f->err));
	assert_int_not_equal(access(side, F_OK), 0);
	/* what an interrupted making leaves is made good */
	OK(f, hl_store_open(&s, path, &create, &f->err));
	hl_store_close(&s);
	assert_int_equal(unlink(path), 0);
	scratch_drop(side);
	db = raw_open(path);
	raw_exec(db, "CREATE TABLE bookmarks (url TEXT)");
	sqlite3_close(db);
	EXPECT(f, HL_ESTORE, hl_store_open(&s, path, &create, &f->err));
	db = raw_open(path);
	raw_exec(db, "PRAGMA application_id = 252006673");
	sqlite3_close(db);
	assert_int_equal(hl_store_open(&s, path, &create, &f->err), HL_ESTORE);
	assert_non_null(strstr(f->err.why, "0f055111"));
	assert_int_not_equal(access(side, F_OK), 0);
}

static void
newer_schema(void **state)
{
	fixture *f = *state;
	char sql[64];
	sqlite3 *db;

	hl_store_close(&f->s);
	db = raw_open(raw_path(f));
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d",
	    HL_SCHEMA_VERSION + 1);
	raw_exec(db, sql);
	sqlite3_close(db);
	assert_int_equal(
	    hl_store_open(&f->s, f->url, &create, &f->err), HL_ESTORE);
	assert_non_null(strstr(f->err.why, "newer hsmlic"));
	assert_string_not_equal(f->err.hint, "");
	db = raw_open(raw_path(f));
	raw_exec(db, "PRAGMA user_version = -3");
	sqlite3_close(db);
	EXPECT(f, HL_ESTORE, hl_store_open(&f->s, f->url, &create, &f->err));
}

/* ---- directories -------------------------------------------------------- */

static void
directory_of_others(void **state)
{
	fixture *f = *state;
	char dir[256], journal[300];
	hl_store *s;

	hl_text_copy(dir, sizeof(dir), raw_path(f));
	*strrchr(dir, '/') = '\0';
	hl_store_close(&f->s);
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(hl_store_open(&s, f->url, NULL, &f->err), HL_ESTORE);
	assert_non_null(strstr(f->err.why, "everybody may write"));
	assert_int_equal(chmod(dir, 01777), 0);
	OK(f, hl_store_open(&s, f->url, NULL, &f->err));
	hl_store_close(&s);
	if (geteuid() == 0) {
		/* a journal that another user laid beside it */
		snprintf(journal, sizeof(journal), "%s-journal", raw_path(f));
		assert_int_equal(chown(journal, 65534, 65534), 0);
		EXPECT(f, HL_ESTORE, hl_store_open(&s, f->url, NULL, &f->err));
	} else {
		print_message("    (not root: owners are not tried)\n");
	}
	assert_int_equal(chmod(dir, 0770), 0);
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
}

static void
file_systems(void **state)
{
	static const uint64_t refused[] = { 0x6969, 0xFF534D42, 0xFE534D42,
		0x65735546, 0x01021997, UINT64_C(0xFFFFFFFFFF534D42) };
	static const uint64_t fine[] = { 0xEF53, 0x58465342, 0x9123683E,
		0x01021994, 0x794C7630, 0x2FC12FC1 };
	(void)state;
	for (size_t i = 0; i < HL_COUNT(refused); i++)
		assert_non_null(hl_place_refused(refused[i]));
	for (size_t i = 0; i < HL_COUNT(fine); i++)
		assert_null(hl_place_refused(fine[i]));
}

/* ---- read-only ---------------------------------------------------------- */

/* Runs `fn` as a user for whom modes count; its exit code. */
static int
as_nobody(fixture *f, int (*fn)(fixture *f))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (geteuid() == 0 &&
		    (setresgid(65534, 65534, 65534) != 0 ||
			setresuid(65534, 65534, 65534) != 0))
			_exit(99);
		_exit(fn(f));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* 0: refused with those words. */
static int
refused(fixture *f, const hl_store_options *opt, const char *words)
{
	hl_store *s;
	const hl_rc rc = hl_store_open(&s, f->url, opt, &f->err);

	if (rc == HL_ESTORE && strstr(f->err.why, words) != NULL)
		return 0;
	fprintf(
	    stderr, "%s: %s: %s\n", hl_rc_name(rc), f->err.what, f->err.why);
	return 1;
}

static int
open_read_only_file(fixture *f)
{
	const hl_store_options read = { .read_only = true };
	hl_store *s;
	int r = refused(f, NULL, "read-only");

	if (hl_store_open(&s, f->url, &read, &f->err) != HL_OK)
		return r + 2;
	hl_store_close(&s);
	return r;
}

static int
open_in_read_only_dir(fixture *f)
{
	return refused(f, NULL, "cannot be used");
}

static int
make_in_read_only_dir(fixture *f)
{
	hl_text_copy(strrchr(f->url, '/'), 20, "/new.db");
	return refused(f, &create, "denied");
}

static void
give_to_nobody(const char *path)
{
	if (geteuid() == 0)
		assert_int_equal(chown(path, 65534, 65534), 0);
}

static void
read_only(void **state)
{
	fixture *f = *state;
	char dir[256];

	hl_text_copy(dir, sizeof(dir), raw_path(f));
	*strrchr(dir, '/') = '\0';
	hl_store_close(&f->s);
	give_to_nobody(dir);
	give_to_nobody(raw_path(f));
	assert_int_equal(chmod(raw_path(f), 0400), 0);
	assert_int_equal(as_nobody(f, open_read_only_file), 0);
	assert_int_equal(chmod(raw_path(f), 0600), 0);
}

static void
read_only_directory(void **state)
{
	fixture *f = *state;
	char dir[256], side[300];

	hl_text_copy(dir, sizeof(dir), raw_path(f));
	*strrchr(dir, '/') = '\0';
	snprintf(side, sizeof(side), "%s.d", raw_path(f));
	hl_store_close(&f->s);
	scratch_drop(side);
	give_to_nobody(raw_path(f));
	give_to_nobody(dir);
	assert_int_equal(chmod(dir, 0500), 0);
	assert_int_equal(as_nobody(f, open_in_read_only_dir), 0);
	assert_int_equal(as_nobody(f, make_in_read_only_dir), 0);
	assert_int_equal(chmod(dir, 0700), 0);
}

/* ---- fifty at once ------------------------------------------------------ */

#define MAKERS 50

static int
make_it(const char *url, int gate, bool must)
{
	const hl_store_options opt = { .create = true, .must_create = must };
	fixture f = { .s = NULL };
	const hl_uid uid = fx_uid(1);
	hl_chip chip;
	hl_rc rc;
	char c;

	fx_actor(&f.actor, "maker");
	if (read(gate, &c, 1) != 0)
		return 100;
	rc = hl_store_open(&f.s, url, &opt, &f.err);
	if (rc == HL_EEXIST && must)
		return 1;
	if (rc != HL_OK ||
	    hl_store_chip_put(f.s, NULL, &uid, &f.actor, &chip, &f.err) !=
		HL_OK) {
		fprintf(stderr, "maker: %s: %s\n", f.err.what, f.err.why);
		return 101;
	}
	hl_store_close(&f.s);
	return 0;
}

static void
race_to_make(bool must, unsigned made)
{
	unsigned count[128] = { 0 };
	fixture f = { .s = NULL };
	pid_t pid[MAKERS];
	int gate[2], status;
	char url[256];
	hl_figures fig;

	factory->make(url, sizeof(url));
	assert_int_equal(pipe(gate), 0);
	for (unsigned i = 0; i < MAKERS; i++) {
		if ((pid[i] = fork()) == 0) {
			close(gate[1]);
			_exit(make_it(url, gate[0], must));
		}
		assert_true(pid[i] > 0);
	}
	close(gate[0]);
	close(gate[1]);
	for (unsigned i = 0; i < MAKERS; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_true(WIFEXITED(status));
		count[WEXITSTATUS(status) & 127]++;
	}
	assert_int_equal(count[0], made);
	assert_int_equal(count[1], MAKERS - made);
	OK(&f, hl_store_open(&f.s, url, NULL, &f.err));
	OK(&f, hl_store_figures(f.s, 0, INT64_MAX, &fig, &f.err));
	assert_int_equal(fig.chips, 1);
	fx_check_clean(&f);
	hl_store_close(&f.s);
	factory->drop(url);
}

static void
fifty_make_one(void **state)
{
	(void)state;
	race_to_make(false, MAKERS);
	race_to_make(true, 1);
}

/* What is recorded in a file that was put aside would be missed. */
static void
moved_while_open(void **state)
{
	fixture *f = *state;
	const hl_cert cert = fx_cert(1);
	char path[300], aside[320];
	hl_chip chip;

	snprintf(path, sizeof(path), "%s", raw_path(f));
	snprintf(aside, sizeof(aside), "%s.aside", path);
	assert_int_equal(rename(path, aside), 0);
	EXPECT(f, HL_ESTORE,
	    hl_store_chip_put(f->s, &cert, NULL, &f->actor, &chip, &f->err));
	assert_non_null(strstr(f->err.why, "moved or replaced"));
	assert_int_equal(rename(aside, path), 0);
	OK(f, hl_store_chip_put(f->s, &cert, NULL, &f->actor, &chip, &f->err));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RAW_TEST(settings_are_in_force),
		RAW_TEST(wal_is_taken_back),
		RAW_TEST(seen_by_file_1),
		cmocka_unit_test(modes_whatever_the_umask),
		RAW_TEST(urls),
		RAW_TEST(many_ways_to_one_store),
		RAW_TEST(other_kinds_of_file),
		RAW_TEST(not_a_store),
		RAW_TEST(newer_schema),
		RAW_TEST(directory_of_others),
		cmocka_unit_test(file_systems),
		RAW_TEST(moved_while_open),
		RAW_TEST(read_only),
		RAW_TEST(read_only_directory),
		cmocka_unit_test(fifty_make_one),
	};

	factory = &sqlite_factory;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
