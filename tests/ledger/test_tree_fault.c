/* SPDX-License-Identifier: Apache-2.0 */
/* The n-th hash fails, for every n: it is said, and nothing is changed. */
#include "crypto/hexvec.h"
#include "ledger/tree_model.h"

#define SIZE 13

static long allow = -1; /* hashes that still succeed; -1: all */

hl_rc __real_hl_sha256(const void *p, size_t n, uint8_t *out, hl_err *err);
hl_rc __wrap_hl_sha256(const void *p, size_t n, uint8_t *out, hl_err *err);

hl_rc
__wrap_hl_sha256(const void *p, size_t n, uint8_t *out, hl_err *err)
{
	if (allow == 0)
		return hl_nomem(err);
	if (allow > 0)
		allow--;
	return __real_hl_sha256(p, n, out, err);
}

static model m;
static hl_hash leaf;
static hl_frontier frontier; /* of 7 leaves */

/* What a call leaves behind, to be compared. */
static union {
	hl_proof proof;
	hl_frontier frontier;
	hl_hash hash;
} result;

static hl_rc
log_read(void *arg, uint64_t from, uint64_t n,
    bool (*each)(void *, const hl_hash *), void *each_arg, hl_err *err)
{
	(void)arg;
	(void)err;
	for (uint64_t i = from; i < from + n; i++)
		if (!each(each_arg, &m.full[0][i]))
			break;
	return HL_OK;
}

static const hl_leaves leaves = { log_read, NULL };

static hl_rc
do_node(hl_err *err)
{
	return hl_node_hash(&leaf, &leaf, &result.hash, err);
}

static hl_rc
do_add(hl_err *err)
{
	result.frontier = frontier;
	return hl_frontier_add(&result.frontier, &leaf, err);
}

static hl_rc
do_root(hl_err *err)
{
	return hl_frontier_root(&frontier, &result.hash, err);
}

static hl_rc
do_empty_root(hl_err *err)
{
	const hl_frontier none = { 0 };

	return hl_frontier_root(&none, &result.hash, err);
}

static hl_rc
do_prove_inclusion(hl_err *err)
{
	return hl_prove_inclusion(&leaves, 5, SIZE, &result.proof, err);
}

static hl_rc
do_prove_consistency(hl_err *err)
{
	return hl_prove_consistency(&leaves, 7, SIZE, &result.proof, err);
}

static hl_proof path, subproof;
static hl_hash root, old_root;

static hl_rc
do_check_inclusion(hl_err *err)
{
	return hl_check_inclusion(&m.full[0][5], 5, SIZE, &path, &root, err);
}

static hl_rc
do_check_consistency(hl_err *err)
{
	return hl_check_consistency(7, &old_root, SIZE, &root, &subproof, err);
}

static void
hashes_fail(void **state)
{
	static const struct {
		const char *name;
		hl_rc (*call)(hl_err *err);
		int hashes;
	} rows[] = {
		{ "node", do_node, 1 },
		{ "add", do_add, 3 },
		{ "root", do_root, 2 },
		{ "root of nothing", do_empty_root, 1 },
		{ "prove inclusion", do_prove_inclusion, 0 },
		{ "prove consistency", do_prove_consistency, 0 },
		{ "check inclusion", do_check_inclusion, 4 },
		{ "check consistency", do_check_consistency, 0 },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		int failures = 0;

		for (;; failures++) {
			hl_err err = { 0 };
			hl_rc rc;

			memset(&result, 0x5a, sizeof(result));
			allow = failures;
			rc = rows[i].call(&err);
			allow = -1;
			CHECK(rc == HL_OK || rc == HL_ENOMEM, rows[i].name);
			CHECK(err.rc == rc, rows[i].name);
			if (rc == HL_OK)
				break;
			if (rows[i].call == do_add)
				assert_true(hl_frontier_equal(
				    &result.frontier, &frontier));
			else
				CHECK(all_bytes((uint8_t *)&result,
					  sizeof(result), 0x5a),
				    rows[i].name);
		}
		CHECK(failures > 0, rows[i].name);
		CHECK(rows[i].hashes == 0 || failures == rows[i].hashes,
		    rows[i].name);
	}
}

static int
set_up(void **state)
{
	(void)state;
	model_new(&m, SIZE);
	leaf = m.full[0][7];
	for (size_t i = 0; i < 7; i++)
		if (hl_frontier_add(&frontier, &m.full[0][i], NULL) != HL_OK)
			return -1;
	root = model_root(&m, 0, SIZE);
	old_root = model_root(&m, 0, 7);
	model_path(&m, 5, 0, SIZE, &path);
	model_subproof(&m, 7, 0, SIZE, true, &subproof);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	model_free(&m);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(hashes_fail) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
