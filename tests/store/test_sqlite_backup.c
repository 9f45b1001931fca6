/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
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

static void
beside(const fixture *f, const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s.%s", raw_path(f), name);
}

/* Files in the store's directory. */
static unsigned
files(const fixture *f)
{
	char dir[256];
	unsigned n = 0;
	DIR *d;

	hl_text_copy(dir, sizeof(dir), raw_path(f));
	*strrchr(dir, '/') = '\0';
	d = opendir(dir);
	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
a_copy_is_a_store(void **state)
{
	fixture *f = *state, copy = *f;
	const hl_chip chip = fx_chip(f, 1);
	const hl_card_row card = fx_card(f, 1, 300);
	const hl_issue one = fx_open(f, &chip, &card, 300);
	hl_store_info a, b;
	hl_issue there;
	struct stat st;
	char path[300];

	beside(f, "backup", path, sizeof(path));
	OK(f, hl_store_backup(f->s, path, NULL, &f->err));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	OK(&copy, hl_store_open(&copy.s, path, NULL, &copy.err));
	OK(f, hl_store_info_get(f->s, &a, &f->err));
	OK(&copy, hl_store_info_get(copy.s, &b, &copy.err));
	assert_memory_equal(&a.id, &b.id, sizeof(a.id));
	OK(&copy, hl_store_issue_by_id(copy.s, &one.id, &there, &copy.err));
	assert_memory_equal(&there, &one, sizeof(there));
	fx_check_clean(&copy);
	hl_store_close(&copy.s);
}

static void
never_over_a_file(void **state)
{
	fixture *f = *state;
	char path[300];
	unsigned n;

	beside(f, "backup", path, sizeof(path));
	OK(f, hl_store_backup(f->s, path, NULL, &f->err));
	n = files(f);
	EXPECT(f, HL_EEXIST, hl_store_backup(f->s, path, NULL, &f->err));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("nowhere", path), 0);
	EXPECT(f, HL_EEXIST, hl_store_backup(f->s, path, NULL, &f->err));
	EXPECT(f, HL_EEXIST, hl_store_backup(f->s, raw_path(f), NULL, &f->err));
	EXPECT(f, HL_EIO,
	    hl_store_backup(f->s, "/nowhere/at/all/x", NULL, &f->err));
	assert_int_equal(files(f), n);
}

static void
damaged_store_has_no_backup(void **state)
{
	static const uint8_t garbage[64] = { 0xde, 0xad };
	fixture *f = *state;
	const long page = raw_root_page(raw_path(f), "uses");
	char path[300];
	unsigned n;

	raw_poke(raw_path(f), (page - 1) * 4096, garbage, sizeof(garbage));
	raw_reopen(f);
	n = files(f);
	beside(f, "backup", path, sizeof(path));
	EXPECT(f, HL_ESTORE, hl_store_backup(f->s, path, NULL, &f->err));
	assert_int_equal(files(f), n);
}

static int
back_up_without_space(fixture *f)
{
	struct rlimit l;
	char path[300];

	beside(f, "backup", path, sizeof(path));
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &l);
	l.rlim_cur = 65536;
	setrlimit(RLIMIT_FSIZE, &l);
	if (hl_store_backup(f->s, path, NULL, &f->err) != HL_EFULL)
		return 1;
	hl_store_close(&f->s);
	return access(path, F_OK) == 0 ? 2 : 0;
}

static void
no_space(void **state)
{
	fixture *f = *state;
	const unsigned n = files(f);
	int status;
	pid_t pid;

	hl_store_close(&f->s);
	if ((pid = fork()) == 0)
		_exit(back_up_without_space(f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
	assert_int_equal(files(f), n);
}

/* While another process writes, a copy is of one moment. */
static void
under_a_writer(void **state)
{
	fixture *f = *state;
	const hl_card_row card = fx_card(f, 1, 1000);
	int status;
	pid_t pid;

	hl_store_close(&f->s);
	if ((pid = fork()) == 0) {
		OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
		for (unsigned i = 0; i < 100; i++) {
			const hl_chip chip = fx_chip(f, i);
			const hl_issue one = fx_open(f, &chip, &card, 1000 - i);
			const hl_outcome o =
			    fx_outcome(f, &one, HL_ISSUE_ISSUED, 999 - i, i);

			OK(f, hl_store_intent_close(f->s, &o, NULL, &f->err));
		}
		hl_store_close(&f->s);
		_exit(0);
	}
	OK(f, hl_store_open(&f->s, f->url, NULL, &f->err));
	for (unsigned i = 0; i < 10; i++) {
		fixture copy = *f;
		char path[300], name[32];

		snprintf(name, sizeof(name), "backup%u", i);
		beside(f, name, path, sizeof(path));
		OK(f, hl_store_backup(f->s, path, NULL, &f->err));
		OK(&copy, hl_store_open(&copy.s, path, NULL, &copy.err));
		fx_check_clean(&copy);
		hl_store_close(&copy.s);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	fx_check_clean(f);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RAW_TEST(a_copy_is_a_store),
		RAW_TEST(never_over_a_file),
		RAW_TEST(damaged_store_has_no_backup),
		RAW_TEST(no_space),
		RAW_TEST(under_a_writer),
	};

	factory = &sqlite_factory;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
