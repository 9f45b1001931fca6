/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>

#include "util/file.h"
#include "util/scratch.h"
#include "util/tar.h"

static hl_rc
fill_three(void *arg, int fd, hl_err *err)
{
	static char big[1500];
	FILE *f = fdopen(dup(fd), "w");
	hl_tar t;

	(void)arg;
	assert_non_null(f);
	memset(big, 'b', sizeof(big));
	hl_tar_start(&t, f);
	assert_int_equal(hl_tar_add(&t, "empty", 0644, "", 0, err), HL_OK);
	assert_int_equal(hl_tar_begin(&t, "big", 0755, err), HL_OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
		    hl_tar_put(&t, big + i * 500, 500, err), HL_OK);
	assert_int_equal(hl_tar_end(&t, err), HL_OK);
	assert_int_equal(
	    hl_tar_add(&t, "dir/a", 0600, "alpha\n", 6, err), HL_OK);
	assert_int_equal(hl_tar_add(&t, "", 0600, "", 0, err), HL_EINPUT);
	assert_int_equal(hl_tar_finish(&t, err), HL_OK);
	fclose(f);
	return HL_OK;
}

static FILE *
three(const scratch *s)
{
	hl_err err = { 0 };
	FILE *f;

	assert_int_equal(
	    hl_file_create_by(s->path, 0600, fill_three, NULL, &err), HL_OK);
	f = fopen(s->path, "r+");
	assert_non_null(f);
	return f;
}

static void
finds(void **state)
{
	char text[8] = "";
	uint64_t n = 7;
	FILE *f = three(*state);

	assert_int_equal(hl_tar_find(f, "dir/a", &n, NULL), HL_OK);
	assert_int_equal(n, 6);
	assert_int_equal(fread(text, 1, n, f), 6);
	assert_string_equal(text, "alpha\n");
	assert_int_equal(hl_tar_find(f, "empty", &n, NULL), HL_OK);
	assert_int_equal(n, 0);
	assert_int_equal(hl_tar_find(f, "big", &n, NULL), HL_OK);
	assert_int_equal(n, 1500);
	assert_int_equal(fgetc(f), 'b');
	n = 7;
	assert_int_equal(hl_tar_find(f, "bi", &n, NULL), HL_ENOTFOUND);
	assert_int_equal(hl_tar_find(f, "a", &n, NULL), HL_ENOTFOUND);
	assert_int_equal(n, 7);
	fclose(f);
}

/* tar(1) of the system: names, modes, content, and its own archives. */
static void
as_tar_does(void **state)
{
	scratch *s = *state;
	char cmd[512];
	uint64_t n;
	FILE *f = three(s);

	fclose(f);
	snprintf(cmd, sizeof(cmd),
	    "cd %s && tar -tvf it | awk '{ print $1, $3, $6 }' >list && "
	    "printf '%%s\\n' '-rw-r--r-- 0 empty' '-rwxr-xr-x 1500 big' "
	    "'-rw------- 6 dir/a' | cmp list - && mkdir x && "
	    "tar -xf it -C x && [ \"$(cat x/dir/a)\" = alpha ] && "
	    "for k in gnu ustar pax; do tar --format=$k -cf $k -C x . && "
	    "tar --format=$k -tf $k >/dev/null || exit 1; done",
	    s->dir);
	assert_int_equal(system(cmd), 0);
	for (int i = 0; i < 3; i++) {
		const char *const kinds[] = { "gnu", "ustar", "pax" };

		snprintf(cmd, sizeof(cmd), "%s/%s", s->dir, kinds[i]);
		assert_non_null(f = fopen(cmd, "r"));
		assert_int_equal(hl_tar_find(f, "dir/a", &n, NULL), HL_OK);
		assert_int_equal(n, 6);
		assert_int_equal(fgetc(f), 'a');
		fclose(f);
	}
}

/* Nothing in it says when, where or by whom it was made. */
static void
deterministic(void **state)
{
	scratch *s = *state;
	hl_buf a = HL_BUF_INIT, b = HL_BUF_INIT;

	fclose(three(s));
	assert_int_equal(hl_file_read(s->path, 65536, &a, NULL), HL_OK);
	assert_int_equal(unlink(s->path), 0);
	sleep(1);
	fclose(three(s));
	assert_int_equal(hl_file_read(s->path, 65536, &b, NULL), HL_OK);
	assert_int_equal(a.n, 512 * (1 + 1 + 3 + 1 + 1 + 2));
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.p, b.p, a.n);
	hl_buf_free(&a);
	hl_buf_free(&b);
}

static void
cut_or_altered(void **state)
{
	scratch *s = *state;
	FILE *f = three(s);
	uint64_t n;
	char c;

	assert_int_equal(fseek(f, 257, SEEK_SET), 0); /* the magic */
	fputc('U', f);
	assert_int_equal(hl_tar_find(f, "empty", &n, NULL), HL_EINPUT);
	fseek(f, 257, SEEK_SET);
	fputc('u', f);
	assert_int_equal(hl_tar_find(f, "empty", &n, NULL), HL_OK);
	fseek(f, 512 + 3, SEEK_SET); /* a name: the sum is wrong */
	c = 'x';
	fputc(c, f);
	assert_int_equal(hl_tar_find(f, "dir/a", &n, NULL), HL_EINPUT);
	fclose(f);
	assert_int_equal(unlink(s->path), 0);
	f = three(s);
	assert_int_equal(ftruncate(fileno(f), 512 + 512 + 1499), 0);
	assert_int_equal(hl_tar_find(f, "big", &n, NULL), HL_EINPUT);
	assert_int_equal(ftruncate(fileno(f), 512 + 512 + 1536), 0);
	assert_int_equal(hl_tar_find(f, "big", &n, NULL), HL_OK);
	assert_int_equal(hl_tar_find(f, "dir/a", &n, NULL), HL_EINPUT);
	assert_int_equal(ftruncate(fileno(f), 0), 0);
	assert_int_equal(hl_tar_find(f, "big", &n, NULL), HL_EINPUT);
	fclose(f);
}

static hl_rc
fill_badly(void *arg, int fd, hl_err *err)
{
	(void)arg;
	assert_int_equal(write(fd, "half", 4), 4);
	return hl_fail(err, HL_EINTEGRITY, "fill", "", "not at all");
}

static void
never_replaces(void **state)
{
	scratch *s = *state;
	hl_err err = { 0 };

	assert_int_equal(
	    hl_file_create_by(s->path, 0600, fill_badly, NULL, &err),
	    HL_EINTEGRITY);
	assert_string_equal(err.why, "not at all");
	assert_int_equal(scratch_count(s), 0);
	fclose(three(s));
	assert_int_equal(
	    hl_file_create_by(s->path, 0600, fill_three, NULL, &err),
	    HL_EEXIST);
	assert_int_equal(scratch_count(s), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(finds),
		SCRATCH_TEST(as_tar_does),
		SCRATCH_TEST(deterministic),
		SCRATCH_TEST(cut_or_altered),
		SCRATCH_TEST(never_replaces),
	};

	return cmocka_run_group_tests_name("tar", tests, NULL, NULL);
}
