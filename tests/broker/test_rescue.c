/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/rescue.h"
#include "util/file.h"
#include "util/text.h"

static char dir[64];

static int
make_dir(void **state)
{
	char path[128];

	(void)state;
	assert_true(hl_text_copy(dir, sizeof(dir), "/tmp/hl-rescue.XXXXXX"));
	assert_non_null(mkdtemp(dir));
	assert_int_equal(
	    hl_path(path, sizeof(path), NULL, "%s/spool", dir), HL_OK);
	return hl_dir_make(path, NULL) == HL_OK ? 0 : -1;
}

static int
drop_dir(void **state)
{
	char command[160];

	(void)state;
	assert_int_equal(
	    hl_path(command, sizeof(command), NULL, "rm -rf %s", dir), HL_OK);
	return system(command);
}

static hl_rescue
sample(size_t n)
{
	hl_rescue r = { .counter_after = 41, .n = n };

	memset(r.issue.b, 0x11, sizeof(r.issue.b));
	memset(r.cert_sha256, 0x22, sizeof(r.cert_sha256));
	memset(r.license, 0x33, n);
	return r;
}

static void
there_and_back(void **state)
{
	static const size_t sizes[] = { 1, 136, 2048, HL_LICENSE_MAX };

	(void)state;
	for (size_t i = 0; i < HL_COUNT(sizes); i++) {
		const hl_rescue r = sample(sizes[i]);
		hl_buf line = HL_BUF_INIT;
		hl_rescue got;

		assert_int_equal(hl_rescue_line(&r, &line, NULL), HL_OK);
		assert_true(hl_rescue_parse(hl_buf_str(&line), line.n, &got));
		assert_memory_equal(&got, &r, sizeof(r));
		hl_buf_put(&line, " \r\n", 3);
		assert_true(hl_rescue_parse(hl_buf_str(&line), line.n, &got));
		hl_buf_free(&line);
	}
}

/* Each single byte of the record, and each cut of it. */
static void
damage_is_seen(void **state)
{
	const hl_rescue r = sample(136);
	hl_buf raw = HL_BUF_INIT;
	hl_rescue got;

	(void)state;
	assert_int_equal(hl_rescue_encode(&r, &raw, NULL), HL_OK);
	assert_true(hl_rescue_decode(raw.p, raw.n, &got));
	for (size_t i = 0; i < raw.n; i++) {
		raw.p[i] ^= 0x40;
		assert_false(hl_rescue_decode(raw.p, raw.n, &got));
		raw.p[i] ^= 0x40;
		assert_false(hl_rescue_decode(raw.p, i, &got));
	}
	hl_buf_free(&raw);
}

static void
not_such_a_line(void **state)
{
	static const char *const lines[] = { "", "HSMLIC-RESCUE",
		"HSMLIC-RESCUE ", "HSMLIC-RESCUE AAAA", "hsmlic-rescue AAAA",
		"HSMLIC-RESCUE !", " HSMLIC-RESCUE AAAA" };
	hl_rescue got;

	(void)state;
	for (size_t i = 0; i < HL_COUNT(lines); i++)
		assert_false(hl_rescue_parse(lines[i], strlen(lines[i]), &got));
}

static void
the_spool(void **state)
{
	const hl_rescue r = sample(136);
	hl_uuid other = r.issue;
	hl_rescue got;

	(void)state;
	assert_int_equal(
	    hl_spool_find(dir, &r.issue, &got, NULL), HL_ENOTFOUND);
	assert_int_equal(hl_spool_put(dir, &r, NULL), HL_OK);
	assert_int_equal(hl_spool_find(dir, &r.issue, &got, NULL), HL_OK);
	assert_memory_equal(&got, &r, sizeof(r));
	other.b[0] ^= 1;
	assert_int_equal(hl_spool_find(dir, &other, &got, NULL), HL_ENOTFOUND);
	hl_spool_drop(dir, &r.issue);
	assert_int_equal(
	    hl_spool_find(dir, &r.issue, &got, NULL), HL_ENOTFOUND);
}

/* A file that bears the name of another issue is not that issue's license. */
static void
a_spool_file_renamed(void **state)
{
	const hl_rescue r = sample(136);
	char from[200], to[200], id[HL_UUID_TEXT];
	hl_uuid other = r.issue;
	hl_rescue got;

	(void)state;
	other.b[0] ^= 1;
	assert_int_equal(hl_spool_put(dir, &r, NULL), HL_OK);
	hl_uuid_text(&r.issue, id);
	assert_int_equal(
	    hl_path(from, sizeof(from), NULL, "%s/spool/%s.license", dir, id),
	    HL_OK);
	hl_uuid_text(&other, id);
	assert_int_equal(
	    hl_path(to, sizeof(to), NULL, "%s/spool/%s.license", dir, id),
	    HL_OK);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(hl_spool_find(dir, &other, &got, NULL), HL_ENOTFOUND);
}

/* Whoever owns the folder could remove the last copy of a license. */
static void
a_rescue_folder_of_somebody_else(void **state)
{
	const hl_rescue r = sample(136);
	char folder[200], path[300];

	(void)state;
	assert_int_equal(
	    hl_path(folder, sizeof(folder), NULL, "%s/rescue", dir), HL_OK);
	assert_int_equal(
	    hl_rescue_file(folder, &r, path, sizeof(path), NULL), HL_OK);
	assert_int_equal(unlink(path), 0);
	if (chown(folder, 12345, (gid_t)-1) != 0)
		skip(); /* only root can give a folder away */
	assert_int_equal(
	    hl_rescue_file(folder, &r, path, sizeof(path), NULL), HL_EACCESS);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(rmdir(folder), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(damage_is_seen),
		cmocka_unit_test(not_such_a_line),
		cmocka_unit_test(the_spool),
		cmocka_unit_test(a_spool_file_renamed),
		cmocka_unit_test(a_rescue_folder_of_somebody_else),
	};

	return cmocka_run_group_tests_name("rescue", tests, make_dir, drop_dir);
}
