/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/signing.h"

#include <unistd.h>

#include "crypto/hexvec.h"

#define EVENTS_MAX 40

/* A ledger as a store would have it: its leaf hashes, and what it was asked. */
typedef struct ledger {
	uint64_t size;
	hl_hash leaves[EVENTS_MAX];
	uint64_t from, to;
	int calls;
	int more;	/* gives that many leaves too many (or too few) */
	hl_rc answer;
} ledger;

static char path[] = "/tmp/hsmlic-test-signing-XXXXXX";

static ledger
ledger_of(uint64_t size)
{
	ledger l = { .size = size };

	for (uint8_t i = 0; i < EVENTS_MAX; i++)
		assert_int_equal(
		    hl_leaf_hash(&i, 1, &l.leaves[i], NULL), HL_OK);
	return l;
}

static hl_rc
give(void *arg, uint64_t from, uint64_t to, hl_frontier *add_to, hl_err *err)
{
	ledger *l = arg;

	l->calls++;
	l->from = from;
	l->to = to;
	if (l->answer != HL_OK)
		return hl_fail(err, l->answer, "read events", "", "cannot");
	for (uint64_t i = from; i < to + (uint64_t)l->more; i++)
		assert_int_equal(
		    hl_frontier_add(add_to, &l->leaves[i], NULL), HL_OK);
	return HL_OK;
}

static hl_hash
root_of(const ledger *l)
{
	hl_frontier f = { .size = 0 };
	hl_hash root;

	for (uint64_t i = 0; i < l->size; i++)
		assert_int_equal(hl_frontier_add(&f, &l->leaves[i], NULL), 0);
	assert_int_equal(hl_frontier_root(&f, &root, NULL), HL_OK);
	return root;
}

/* As a program would: the memory opened anew, and closed behind it. */
static hl_rc
may_sign(ledger *l, const char *origin, hl_err *err)
{
	const hl_hash root = root_of(l);
	hl_memory *m;
	hl_rc rc;

	l->calls = 0;
	assert_int_equal(hl_memory_open(&m, path, NULL), HL_OK);
	rc = hl_sign_tree(m, origin, l->size, &root, give, l, err);
	hl_memory_close(&m);
	return rc;
}

static uint64_t
remembered(const char *origin)
{
	hl_frontier f;
	hl_memory *m;

	assert_int_equal(hl_memory_open(&m, path, NULL), HL_OK);
	(void)hl_memory_find(m, origin, &f);
	hl_memory_close(&m);
	return f.size;
}

static int
make_path(void **state)
{
	int fd;

	(void)state;
	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	if ((fd = mkstemp(path)) < 0)
		return -1;
	return close(fd) == 0 ? unlink(path) : -1;
}

static int
remove_path(void **state)
{
	(void)state;
	(void)unlink(path);
	return 0;
}

static void
a_ledger_that_grows_is_signed(void **state)
{
	(void)state;
	for (uint64_t step = 1; step < 8; step++) {
		uint64_t was = 0;

		for (uint64_t n = 0; n < EVENTS_MAX; n += step) {
			ledger l = ledger_of(n);

			assert_int_equal(may_sign(&l, "a", NULL), HL_OK);
			assert_int_equal(l.calls, n != was);
			if (n != was)
				assert_true(l.from == was && l.to == n);
			assert_int_equal(remembered("a"), n);
			/* the same once more: a signature was not made, or
			 * was lost */
			assert_int_equal(may_sign(&l, "a", NULL), HL_OK);
			assert_int_equal(l.calls, 0);
			was = n;
		}
		assert_int_equal(unlink(path), 0);
	}
}

static void
a_ledger_rolled_back_is_not(void **state)
{
	ledger l = ledger_of(9);
	hl_err err = { 0 };

	(void)state;
	assert_int_equal(may_sign(&l, "a", NULL), HL_OK);
	for (uint64_t n = 0; n < 9; n++) {
		l.size = n;
		assert_int_equal(may_sign(&l, "a", &err), HL_EINTEGRITY);
		assert_int_equal(l.calls, 0);
		assert_int_equal(remembered("a"), 9);
	}
	assert_non_null(strstr(err.why,
	    "the ledger has 8 events, but this key signed 9 already: it was "
	    "rolled back"));
	assert_true(err.hint[0] != '\0');
	/* nor when it has grown in another way since */
	l.leaves[8].b[0] ^= 1;
	l.size = 12;
	assert_int_equal(may_sign(&l, "a", &err), HL_EINTEGRITY);
	assert_int_equal(remembered("a"), 9);
}

/* Any event of the signed ones changed, or two swapped, with the same size or
 * a larger one; and the store is consistent in itself. */
static void
a_ledger_rewritten_is_not(void **state)
{
	hl_err err = { 0 };

	(void)state;
	for (uint64_t n = 1; n < 12; n++) {
		ledger l = ledger_of(n), bad;

		(void)unlink(path);
		assert_int_equal(may_sign(&l, "a", NULL), HL_OK);
		for (uint64_t i = 0; i < n; i++) {
			for (uint64_t more = 0; more < 6; more++) {
				bad = ledger_of(n + more);
				bad.leaves[i].b[31] ^= 1;
				assert_int_equal(may_sign(&bad, "a", &err),
				    HL_EINTEGRITY);
				assert_non_null(strstr(err.why, "rewritten"));
			}
			bad = ledger_of(n + 1);
			bad.leaves[i] = ledger_of(0).leaves[i + 1];
			bad.leaves[i + 1] = ledger_of(0).leaves[i];
			assert_int_equal(
			    may_sign(&bad, "a", &err), HL_EINTEGRITY);
		}
		assert_int_equal(remembered("a"), n);
		l.size = n + 1;
		assert_int_equal(may_sign(&l, "a", NULL), HL_OK);
	}
}

static void
events_that_do_not_give_the_root(void **state)
{
	ledger l = ledger_of(5);
	hl_hash root = root_of(&l);
	hl_err err = { 0 };
	hl_memory *m;

	(void)state;
	root.b[0] ^= 1;
	assert_int_equal(hl_memory_open(&m, path, NULL), HL_OK);
	assert_int_equal(
	    hl_sign_tree(m, "a", 5, &root, give, &l, &err), HL_EINTEGRITY);
	assert_non_null(strstr(err.why, "5 events"));
	hl_memory_close(&m);
	assert_int_equal(remembered("a"), 0);
}

static void
events_that_are_missing_or_too_many(void **state)
{
	ledger l = ledger_of(5);
	hl_err err = { 0 };

	(void)state;
	for (l.more = -2; l.more <= 2; l.more++) {
		const hl_rc want = l.more == 0 ? HL_OK : HL_EINTEGRITY;

		(void)unlink(path);
		assert_int_equal(may_sign(&l, "a", &err), want);
		assert_int_equal(remembered("a"), l.more == 0 ? 5 : 0);
		if (l.more != 0)
			assert_non_null(strstr(err.why, "missing, or doubled"));
		memset(&err, 0, sizeof(err));
	}
	l.more = 0;
	l.answer = HL_ESTORE;
	l.size = 7;
	assert_int_equal(may_sign(&l, "a", &err), HL_ESTORE);
	assert_string_equal(err.why, "cannot");
	(void)unlink(path);
}

static void
origins_are_apart(void **state)
{
	ledger a = ledger_of(5), b = ledger_of(3);

	(void)state;
	b.leaves[0].b[0] ^= 1;
	assert_int_equal(may_sign(&a, "a", NULL), HL_OK);
	assert_int_equal(may_sign(&b, "b", NULL), HL_OK);
	assert_true(remembered("a") == 5 && remembered("b") == 3);
	assert_int_equal(may_sign(&b, "a", NULL), HL_EINTEGRITY);
	assert_int_equal(may_sign(&a, "b", NULL), HL_EINTEGRITY);
	assert_true(remembered("a") == 5 && remembered("b") == 3);
}

/* A signature is never made when the memory cannot be kept. */
static void
a_memory_that_cannot_be_saved(void **state)
{
	ledger l = ledger_of(5);
	const hl_hash root = root_of(&l);
	hl_memory *m;

	(void)state;
	assert_int_equal(hl_memory_open(&m, path, NULL), HL_OK);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_not_equal(
	    hl_sign_tree(m, "a", 5, &root, give, &l, NULL), HL_OK);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(
	    hl_sign_tree(m, "a", 5, &root, give, &l, NULL), HL_OK);
	hl_memory_close(&m);
	assert_int_equal(remembered("a"), 5);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_path, remove_path)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_ledger_that_grows_is_signed),
		TEST(a_ledger_rolled_back_is_not),
		TEST(a_ledger_rewritten_is_not),
		TEST(events_that_do_not_give_the_root),
		TEST(events_that_are_missing_or_too_many),
		TEST(origins_are_apart),
		TEST(a_memory_that_cannot_be_saved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
