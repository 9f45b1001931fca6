/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/memory.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "crypto/hexvec.h"
#include "util/clock.h"
#include "util/file.h"

static char folder[64], moved[80], path[96];

/* Nobody waits in these tests (the linker puts it in the place of the real
 * one). */
hl_deadline __wrap_hl_deadline_in(uint32_t ms);

hl_deadline
__wrap_hl_deadline_in(uint32_t ms)
{
	(void)ms;
	return hl_mono_ms();
}

static int
make_folder(void **state)
{
	(void)state;
	hl_text_copy(folder, sizeof(folder), "/tmp/hsmlic-test-memory-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(moved, sizeof(moved), "%s.moved", folder);
	snprintf(path, sizeof(path), "%s/key.pem.memory", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(folder); /* fails when anything else was left */
}

/* A tree of that many leaves, which are all different; `salt`: others. */
static hl_frontier
tree_of(uint64_t size, uint8_t salt)
{
	hl_frontier f = { .size = 0 };
	hl_hash leaf = { { salt } };

	for (uint64_t i = 0; i < size; i++) {
		memcpy(leaf.b + 1, &i, sizeof(i));
		assert_int_equal(hl_frontier_add(&f, &leaf, NULL), HL_OK);
	}
	return f;
}

static hl_memory *
open_memory(void)
{
	hl_memory *m;

	assert_int_equal(hl_memory_open(&m, path, NULL), HL_OK);
	return m;
}

/* What a process that comes later finds. */
static void
check_later(const char *origin, const hl_frontier *want)
{
	hl_memory *m = open_memory();
	hl_frontier is;

	assert_int_equal(hl_memory_find(m, origin, &is), want != NULL);
	if (want != NULL)
		assert_true(hl_frontier_equal(&is, want));
	else
		assert_true(is.size == 0 && is.n == 0);
	hl_memory_close(&m);
	assert_null(m);
}

static void
no_file_is_an_empty_memory(void **state)
{
	hl_memory *m = open_memory();
	hl_frontier f;

	(void)state;
	memset(&f, 0x5a, sizeof(f));
	assert_false(hl_memory_find(m, "a.example", &f));
	assert_true(f.size == 0 && f.n == 0);
	hl_memory_close(&m);
	hl_memory_close(&m); /* fine */
	assert_int_not_equal(access(path, F_OK), 0);
}

static void
what_is_put_is_found_later(void **state)
{
	hl_memory *m = open_memory();
	const hl_frontier other = tree_of(5, 9);
	hl_frontier f = tree_of(0, 0), is;
	struct stat st;

	(void)state;
	assert_int_equal(hl_memory_put(m, "b.example", &other, NULL), HL_OK);
	hl_memory_close(&m);
	for (uint64_t size = 0; size <= 70; size++) {
		f = tree_of(size, 0);
		m = open_memory();
		assert_int_equal(hl_memory_put(m, "a.example", &f, NULL), HL_OK);
		assert_true(hl_memory_find(m, "a.example", &is));
		assert_true(hl_frontier_equal(&is, &f));
		hl_memory_close(&m);
		check_later("a.example", &f);
		check_later("b.example", &other);
		check_later("c.example", NULL);
	}
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

/* The file's text as the header describes it, put together here anew. */
static void
text_of_the_file(void **state)
{
	hl_buf want = HL_BUF_INIT, is = HL_BUF_INIT;
	const hl_frontier f = tree_of(3, 0);
	hl_memory *m = open_memory();
	uint8_t sum[HL_SHA256_LEN];
	char hex[2 * sizeof(sum) + 1];
	hl_hash root;

	(void)state;
	assert_int_equal(hl_memory_put(m, "a b", &f, NULL), HL_OK);
	hl_memory_close(&m);
	assert_int_equal(
	    hl_node_hash(&f.h[0], &f.h[1], &root, NULL), HL_OK);
	hl_buf_printf(&want,
	    "hsmlic signer memory 1\norigin a b\nsize 3\nroot ");
	hl_base64_put(&want, root.b, sizeof(root.b));
	hl_buf_printf(&want, "\nedge ");
	hl_base64_put(&want, f.h[0].b, sizeof(root.b));
	hl_buf_printf(&want, "\nedge ");
	hl_base64_put(&want, f.h[1].b, sizeof(root.b));
	hl_buf_printf(&want, "\n");
	assert_int_equal(hl_sha256(want.p, want.n, sum, NULL), HL_OK);
	hl_hex_lower(hex, sum, sizeof(sum));
	hl_buf_printf(&want, "sha256 %s\n", hex);
	assert_int_equal(hl_file_read(path, 4096, &is, NULL), HL_OK);
	assert_string_equal(hl_buf_str(&is), hl_buf_str(&want));
	hl_buf_free(&is);
	hl_buf_free(&want);
}

/* Without the syncs of the real one, as it is called thousands of times. */
static void
write_file(const void *p, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static hl_rc
open_only(hl_err *err)
{
	hl_memory *m = NULL;
	const hl_rc rc = hl_memory_open(&m, path, err);

	assert_int_equal(m != NULL, rc == HL_OK);
	hl_memory_close(&m);
	return rc;
}

static void
damage_is_found(void **state)
{
	const hl_frontier f = tree_of(6, 0), g = tree_of(1, 1);
	hl_memory *m = open_memory();
	hl_buf b = HL_BUF_INIT;
	hl_err err = { 0 };

	(void)state;
	assert_int_equal(hl_memory_put(m, "a.example", &f, NULL), HL_OK);
	assert_int_equal(hl_memory_put(m, "b.example", &g, NULL), HL_OK);
	hl_memory_close(&m);
	assert_int_equal(hl_file_read(path, 4096, &b, NULL), HL_OK);
	for (size_t bit = 0; bit < 8 * b.n; bit++) {
		b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		write_file(b.p, b.n);
		assert_int_equal(open_only(&err), HL_EINTEGRITY);
		b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_non_null(strstr(err.what, path));
	assert_true(err.hint[0] != '\0');
	for (size_t n = 0; n < b.n; n++) {
		write_file(b.p, n);
		assert_int_equal(open_only(NULL), HL_EINTEGRITY);
	}
	hl_buf_u8(&b, '\n');
	write_file(b.p, b.n);
	assert_int_equal(open_only(NULL), HL_EINTEGRITY);
	write_file(b.p, b.n - 1);
	assert_int_equal(open_only(NULL), HL_OK);
	hl_buf_free(&b);
}

/* The last line is made anew each time: that alone keeps nobody out. */
static hl_rc
open_text(const char *text)
{
	uint8_t sum[HL_SHA256_LEN];
	char hex[2 * sizeof(sum) + 1];
	hl_buf b = HL_BUF_INIT;

	assert_int_equal(hl_sha256(text, strlen(text), sum, NULL), HL_OK);
	hl_hex_lower(hex, sum, sizeof(sum));
	hl_buf_printf(&b, "%ssha256 %s\n", text, hex);
	write_file(b.p, b.n);
	hl_buf_free(&b);
	return open_only(NULL);
}

#define HEAD "hsmlic signer memory 1\n"
#define EMPTY "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" /* no leaves */
#define LEAF "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define NONE "size 0\nroot " EMPTY "\n"
#define ONE "size 1\nroot " LEAF "\nedge " LEAF "\n"

static void
texts_that_were_edited(void **state)
{
	static const struct {
		const char *why, *text;
		bool good;
	} rows[] = {
		{ "no origin", HEAD, true },
		{ "an empty tree", HEAD "origin a\n" NONE, true },
		{ "one leaf", HEAD "origin a\n" ONE, true },
		{ "two origins", HEAD "origin a\n" ONE "origin b\n" NONE,
		    true },
		{ "2^63 leaves",
		    HEAD "origin a\nsize 9223372036854775808\nroot " LEAF
			 "\nedge " LEAF "\n",
		    true },
		{ "2^63 + 1 leaves",
		    HEAD "origin a\nsize 9223372036854775809\nroot " LEAF
			 "\nedge " LEAF "\nedge " LEAF "\n",
		    false },
		{ "a name", HEAD "name W/one\norigin a\n" ONE, true },
		{ "a name alone", HEAD "name W/one\n", true },
		{ "a name twice", HEAD "name W\nname W\norigin a\n" ONE,
		    false },
		{ "a name behind", HEAD "origin a\n" ONE "name W\n", false },
		{ "an empty name", HEAD "name \norigin a\n" ONE, false },
		{ "a control character in a name",
		    HEAD "name a\tb\norigin a\n" ONE, false },
		{ "no head", "", false },
		{ "another version", "hsmlic signer memory 2\n", false },
		{ "an origin twice", HEAD "origin a\n" ONE "origin a\n" NONE,
		    false },
		{ "origin without a name", HEAD "origin \n" ONE, false },
		{ "no origin's line", HEAD ONE, false },
		{ "origin alone", HEAD "origin a\n", false },
		{ "a control character in it", HEAD "origin a\t\n" ONE, false },
		{ "root of another tree",
		    HEAD "origin a\nsize 1\nroot " EMPTY "\nedge " LEAF "\n",
		    false },
		{ "root of another empty tree",
		    HEAD "origin a\nsize 0\nroot " LEAF "\n", false },
		{ "an edge missing", HEAD "origin a\nsize 1\nroot " LEAF "\n",
		    false },
		{ "an edge too many", HEAD "origin a\n" ONE "edge " LEAF "\n",
		    false },
		{ "another size",
		    HEAD "origin a\nsize 3\nroot " LEAF "\nedge " LEAF "\n",
		    false },
		{ "leading zero",
		    HEAD "origin a\nsize 01\nroot " LEAF "\nedge " LEAF "\n",
		    false },
		{ "blank line", HEAD "\norigin a\n" ONE, false },
		{ "blank line behind", HEAD "origin a\n" ONE "\n", false },
		{ "no line feed", HEAD "origin a\n" ONE "x", false },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++)
		CHECK(open_text(rows[i].text) ==
			(rows[i].good ? HL_OK : HL_EINTEGRITY), rows[i].why);
}

/* A key never goes back, whatever a caller asks for. */
static void
never_backwards(void **state)
{
	const hl_frontier seven = tree_of(7, 0), other = tree_of(7, 1);
	const hl_frontier six = tree_of(6, 0), none = tree_of(0, 0);
	hl_frontier bad = seven;
	hl_memory *m = open_memory();

	(void)state;
	assert_int_equal(hl_memory_put(m, "a", &seven, NULL), HL_OK);
	assert_int_equal(hl_memory_put(m, "a", &seven, NULL), HL_OK);
	assert_int_equal(hl_memory_put(m, "a", &six, NULL), HL_EINTEGRITY);
	assert_int_equal(hl_memory_put(m, "a", &none, NULL), HL_EINTEGRITY);
	assert_int_equal(hl_memory_put(m, "a", &other, NULL), HL_EINTEGRITY);
	bad.n--;
	assert_int_equal(hl_memory_put(m, "a", &bad, NULL), HL_EINPUT);
	assert_int_equal(hl_memory_put(m, "b", &bad, NULL), HL_EINPUT);
	assert_int_equal(hl_memory_put(m, "", &six, NULL), HL_EINPUT);
	assert_int_equal(hl_memory_put(m, "a\nb", &six, NULL), HL_EINPUT);
	hl_memory_close(&m);
	check_later("a", &seven);
	check_later("b", NULL);
}

static void
one_name(void **state)
{
	const hl_frontier one = tree_of(1, 0);
	hl_memory *m = open_memory();
	hl_err err = { 0 };

	(void)state;
	assert_string_equal(hl_memory_name(m), "");
	assert_int_equal(hl_memory_put_name(m, "", NULL), HL_EINPUT);
	assert_int_equal(hl_memory_put_name(m, "a\nb", NULL), HL_EINPUT);
	assert_int_equal(rename(folder, moved), 0);
	assert_int_equal(hl_memory_put_name(m, "W", NULL), HL_EIO);
	assert_int_equal(rename(moved, folder), 0);
	assert_string_equal(hl_memory_name(m), "");
	assert_int_equal(hl_memory_put_name(m, "W/one", NULL), HL_OK);
	assert_int_equal(hl_memory_put_name(m, "W/one", NULL), HL_OK);
	assert_int_equal(hl_memory_put_name(m, "W/two", &err), HL_EINPUT);
	assert_non_null(strstr(err.why, "W/one"));
	assert_int_equal(hl_memory_put(m, "a", &one, NULL), HL_OK);
	hl_memory_close(&m);
	m = open_memory();
	assert_string_equal(hl_memory_name(m), "W/one");
	hl_memory_close(&m);
	check_later("a", &one);
}

static void
what_cannot_be_saved_is_not_remembered(void **state)
{
	const hl_frontier one = tree_of(1, 0), two = tree_of(2, 0);
	hl_memory *m = open_memory();
	hl_frontier is;

	(void)state;
	assert_int_equal(hl_memory_put(m, "a", &one, NULL), HL_OK);
	assert_int_equal(rename(folder, moved), 0);
	assert_int_equal(hl_memory_put(m, "a", &two, NULL), HL_EIO);
	assert_int_equal(hl_memory_put(m, "b", &two, NULL), HL_EIO);
	assert_int_equal(rename(moved, folder), 0);
	assert_true(hl_memory_find(m, "a", &is));
	assert_true(hl_frontier_equal(&is, &one));
	assert_false(hl_memory_find(m, "b", &is));
	assert_int_equal(hl_memory_put(m, "b", &one, NULL), HL_OK);
	hl_memory_close(&m);
	check_later("a", &one);
	check_later("b", &one);
}

static void
many_origins(void **state)
{
	const hl_frontier one = tree_of(1, 0);
	hl_buf text = HL_BUF_INIT;
	char origin[20];
	hl_memory *m;

	(void)state;
	hl_buf_printf(&text, HEAD);
	for (int i = 1; i < HL_MEMORY_ORIGINS_MAX; i++)
		hl_buf_printf(&text, "origin o%d\n" ONE, i);
	assert_int_equal(open_text(hl_buf_str(&text)), HL_OK);
	m = open_memory();
	snprintf(origin, sizeof(origin), "o%d", HL_MEMORY_ORIGINS_MAX);
	assert_int_equal(hl_memory_put(m, origin, &one, NULL), HL_OK);
	assert_int_equal(hl_memory_put(m, "one more", &one, NULL), HL_EINPUT);
	hl_memory_close(&m);
	check_later(origin, &one);
	for (int i = 0; i < 2; i++)
		hl_buf_printf(&text, "origin p%d\n" ONE, i);
	assert_int_equal(open_text(hl_buf_str(&text)), HL_EINTEGRITY);
	hl_buf_free(&text);
}

static void
one_signer_at_a_time(void **state)
{
	hl_memory *m = open_memory(), *other;
	hl_err err = { 0 };

	(void)state;
	assert_int_equal(hl_memory_open(&other, path, &err), HL_EBUSY);
	assert_null(other);
	hl_memory_close(&m);
	m = open_memory();
	hl_memory_close(&m);
}

/* Killed while it holds the memory: the next signer finds what was put. */
static void
a_killed_signer_leaves_it_usable(void **state)
{
	const hl_frontier f = tree_of(4, 0);
	int status = 0;
	pid_t pid;

	(void)state;
	if ((pid = fork()) == 0) {
		hl_memory *m;

		if (hl_memory_open(&m, path, NULL) != HL_OK ||
		    hl_memory_put(m, "a", &f, NULL) != HL_OK)
			_exit(1);
		raise(SIGKILL);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	assert_true(WIFSIGNALED(status));
	check_later("a", &f);
}

static void
bad_places(void **state)
{
	hl_memory *m;

	(void)state;
	assert_int_equal(
	    hl_memory_open(&m, "/nowhere/at/all.memory", NULL), HL_EIO);
	assert_null(m);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(hl_memory_open(&m, path, NULL), HL_EINPUT);
	assert_null(m);
	assert_int_equal(rmdir(path), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_file_is_an_empty_memory),
		TEST(what_is_put_is_found_later),
		TEST(text_of_the_file),
		TEST(damage_is_found),
		TEST(texts_that_were_edited),
		TEST(never_backwards),
		TEST(one_name),
		TEST(what_cannot_be_saved_is_not_remembered),
		TEST(many_origins),
		TEST(one_signer_at_a_time),
		TEST(a_killed_signer_leaves_it_usable),
		TEST(bad_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
