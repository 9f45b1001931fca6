/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hexvec.h"
#include "ledger/tree_model.h"

#define SIZES 300

static hl_hash
hash_of(const char *hex)
{
	hl_hash h;
	size_t n = 0;

	if (!hl_hex_decode(hex, strlen(hex), h.b, sizeof(h.b), &n) ||
	    n != sizeof(h.b))
		fail_msg("no hash: %s", hex);
	return h;
}

static void
assert_hash(const hl_hash *got, const char *hex)
{
	const hl_hash want = hash_of(hex);

	assert_memory_equal(got->b, want.b, sizeof(want.b));
}

static void
assert_root(const hl_frontier *f, const char *hex)
{
	hl_hash root;

	assert_int_equal(hl_frontier_root(f, &root, NULL), HL_OK);
	assert_hash(&root, hex);
}

static void
add_event(hl_frontier *f, const void *p, size_t n)
{
	hl_hash leaf;

	assert_int_equal(hl_leaf_hash(p, n, &leaf, NULL), HL_OK);
	assert_int_equal(hl_frontier_add(f, &leaf, NULL), HL_OK);
	assert_true(hl_frontier_valid(f));
}

/* The leaves with which implementations of RFC 6962 are commonly tested, and
 * the roots of the trees of the first 0 to 8 of them. */
static void
roots_of_rfc_6962(void **state)
{
	static const char *const leaves[] = { "", "00", "10", "2021", "3031",
		"40414243", "5051525354555657",
		"606162636465666768696a6b6c6d6e6f" };
	static const char *const roots[] = {
		"e3b0c44298fc1c149afbf4c8996fb924"
		"27ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c"
		"78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9d"
		"baf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264"
		"db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398f"
		"a2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3"
		"bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f"
		"98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd7892"
		"9c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2"
		"ab9d823aad2f4960cfe370eff4604328",
	};
	hl_frontier f = { 0 };

	(void)state;
	assert_root(&f, roots[0]);
	for (size_t i = 0; i < HL_COUNT(leaves); i++) {
		vec leaf = vec_of(leaves[i]);

		add_event(&f, leaf.p, leaf.n);
		assert_int_equal(f.size, i + 1);
		assert_root(&f, roots[i + 1]);
		vec_free(&leaf);
	}
}

/* Events as a ledger has them; root and leaf hashes were worked out with Go's
 * golang.org/x/mod/sumdb/tlog and with openssl(1). */
#define CARD "\"card\":\"8949400000001234567\""
#define LAB_ID "\"id\":\"01932f6e-7c11-7a3e-9b54-5a0d5d3f0a01\""
#define AB8 "abababababababab"

static void
three_events(void **state)
{
	static const struct {
		const char *event, *leaf;
	} rows[] = {
		{ "{" CARD ",\"ctr\":1000,\"kind\":\"genesis\","
		  "\"log\":\"ledger.example/card/8949400000001234567\","
		  "\"project\":\"projA\",\"t\":\"2026-11-23T06:00:00Z\","
		  "\"v\":1}",
		    "1c2d4b20954621a0282645a794354e29"
		    "693b9b8e92a7bef376384c0e9edccf19" },
		{ "{\"att\":1," CARD ",\"chip\":\"203433343634510b0021004a\","
		  "\"ctr\":1000,\"fw\":\"sha256:" AB8 AB8 AB8 AB8 "\"," LAB_ID
		  ",\"kind\":\"intent\",\"op\":\"alice\","
		  "\"project\":\"projA\",\"st\":\"st01\","
		  "\"t\":\"2026-11-23T06:00:01Z\",\"v\":1,"
		  "\"wo\":\"WO-000123\"}",
		    "ba066a0768fb093639ccaed66f3181a4"
		    "344f685bd42357edc19001f0e07ae039" },
		{ "{" CARD ",\"ctr\":999,\"foreign\":0," LAB_ID
		  ",\"kind\":\"outcome\",\"lic_len\":300,"
		  "\"lic_sha256\":\"228e8b3c5a375ff46f28cae4f3fd4cd3"
		  "a22ca4830c1c5b7caa150efc0a67f794\","
		  "\"result\":\"issued\",\"sw\":\"9000\","
		  "\"t\":\"2026-11-23T06:00:02Z\",\"v\":1}",
		    "011a6ce0ee2a932d804d18676f6b74e4"
		    "8b3d869f2c088a84d4c01293f60e8185" },
	};
	hl_frontier f = { 0 };

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		hl_hash leaf;

		assert_int_equal(hl_leaf_hash(rows[i].event,
				     strlen(rows[i].event), &leaf, NULL),
		    HL_OK);
		assert_hash(&leaf, rows[i].leaf);
		assert_int_equal(hl_frontier_add(&f, &leaf, NULL), HL_OK);
	}
	assert_root(&f,
	    "362746ef11a646ed06f8eb10b18f7543"
	    "a407d49a0f26398d90261936bcb1337a");
}

/* A leaf must not be taken for a node: an event that is a node's content. */
static void
leaves_and_nodes_are_told_apart(void **state)
{
	const hl_hash l = model_leaf(1), r = model_leaf(2);
	uint8_t content[2 * sizeof(hl_hash)];
	hl_hash node, leaf, again;

	(void)state;
	memcpy(content, l.b, sizeof(l.b));
	memcpy(content + sizeof(l.b), r.b, sizeof(r.b));
	assert_int_equal(hl_node_hash(&l, &r, &node, NULL), HL_OK);
	assert_int_equal(
	    hl_leaf_hash(content, sizeof(content), &leaf, NULL), HL_OK);
	assert_false(hl_hash_equal(&node, &leaf));
	assert_int_equal(hl_node_hash(&r, &l, &again, NULL), HL_OK);
	assert_false(hl_hash_equal(&node, &again));
}

static void
a_node_may_replace_its_children(void **state)
{
	const hl_hash l = model_leaf(1), r = model_leaf(2);
	const hl_hash want = model_node(&l, &r);
	hl_hash h = l;

	(void)state;
	assert_int_equal(hl_node_hash(&h, &r, &h, NULL), HL_OK);
	assert_true(hl_hash_equal(&h, &want));
	h = r;
	assert_int_equal(hl_node_hash(&l, &h, &h, NULL), HL_OK);
	assert_true(hl_hash_equal(&h, &want));
}

static size_t
bits_of(uint64_t v)
{
	size_t n = 0;

	for (; v > 0; v /= 2)
		n += v % 2;
	return n;
}

/* Its hashes are the roots of the full subtrees, and its root is the tree's. */
static void
assert_frontier(const hl_frontier *f, const model *m)
{
	const hl_hash want = model_root(m, 0, f->size);
	uint64_t at = 0, bit = 1;
	hl_hash root, sub;

	while (bit * 2 <= f->size)
		bit *= 2;
	assert_true(hl_frontier_valid(f));
	assert_int_equal(f->n, bits_of(f->size));
	for (size_t i = 0; i < f->n; bit /= 2) {
		if ((f->size & bit) == 0)
			continue;
		sub = model_root(m, at, bit);
		assert_true(hl_hash_equal(&f->h[i++], &sub));
		at += bit;
	}
	assert_int_equal(hl_frontier_root(f, &root, NULL), HL_OK);
	assert_memory_equal(root.b, want.b, sizeof(root.b));
}

static void
frontiers_of_all_sizes(void **state)
{
	hl_frontier f = { 0 };
	model m;

	(void)state;
	model_new(&m, SIZES);
	assert_frontier(&f, &m);
	for (uint64_t i = 0; i < SIZES; i++) {
		const hl_hash leaf = m.full[0][i];

		assert_int_equal(hl_frontier_add(&f, &leaf, NULL), HL_OK);
		assert_int_equal(f.size, i + 1);
		assert_frontier(&f, &m);
	}
	model_free(&m);
}

static void
assert_frontier_refused(const hl_frontier *f)
{
	const hl_hash leaf = model_leaf(0);
	hl_frontier copy = *f;
	hl_err err = { 0 };
	hl_hash root = leaf;

	assert_false(hl_frontier_valid(f));
	assert_int_equal(hl_frontier_add(&copy, &leaf, &err), HL_EINPUT);
	assert_memory_equal(&copy, f, sizeof(copy));
	assert_true(err.why[0] != '\0');
	assert_int_equal(hl_frontier_root(f, &root, NULL), HL_EINPUT);
	assert_true(hl_hash_equal(&root, &leaf));
}

static void
frontiers_that_cannot_be(void **state)
{
	static const struct {
		uint64_t size;
		size_t n;
	} rows[] = { { 0, 1 }, { 1, 0 }, { 1, 2 }, { 3, 1 }, { 4, 2 }, { 7, 2 },
		{ 7, 4 }, { 7, SIZE_MAX }, { UINT64_MAX, 64 },
		{ ((uint64_t)1 << 63) + 1, 2 } };

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		hl_frontier f = { .size = rows[i].size, .n = rows[i].n };

		assert_frontier_refused(&f);
	}
}

/* The last leaf that there can be makes 63 subtrees one; then it is full. */
static void
the_largest_tree(void **state)
{
	const hl_hash leaf = model_leaf(7);
	hl_frontier f = { .size = ((uint64_t)1 << 63) - 1, .n = 63 }, full;
	hl_hash want = leaf, root;

	(void)state;
	for (size_t i = 0; i < f.n; i++)
		f.h[i] = model_leaf(i);
	for (size_t i = f.n; i-- > 0;)
		want = model_node(&f.h[i], &want);
	assert_int_equal(hl_frontier_add(&f, &leaf, NULL), HL_OK);
	assert_true(f.size == (uint64_t)1 << 63 && f.n == 1);
	assert_int_equal(hl_frontier_root(&f, &root, NULL), HL_OK);
	assert_true(hl_hash_equal(&root, &want));
	full = f;
	assert_int_equal(hl_frontier_add(&f, &leaf, NULL), HL_EINPUT);
	assert_memory_equal(&f, &full, sizeof(f));
}

static void
equal_frontiers(void **state)
{
	hl_frontier a = { 0 }, b = { 0 };

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		const hl_hash leaf = model_leaf(i);

		assert_true(hl_frontier_equal(&a, &b));
		assert_int_equal(hl_frontier_add(&a, &leaf, NULL), HL_OK);
		assert_false(hl_frontier_equal(&a, &b));
		assert_int_equal(hl_frontier_add(&b, &leaf, NULL), HL_OK);
	}
	b.h[5].b[0] ^= 1; /* beyond its end */
	assert_true(hl_frontier_equal(&a, &b));
	b.h[1].b[31] ^= 1;
	assert_false(hl_frontier_equal(&a, &b));
	b = a;
	b.size = 5; /* as many subtrees, others */
	assert_false(hl_frontier_equal(&a, &b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roots_of_rfc_6962),
		cmocka_unit_test(three_events),
		cmocka_unit_test(leaves_and_nodes_are_told_apart),
		cmocka_unit_test(a_node_may_replace_its_children),
		cmocka_unit_test(frontiers_of_all_sizes),
		cmocka_unit_test(frontiers_that_cannot_be),
		cmocka_unit_test(the_largest_tree),
		cmocka_unit_test(equal_frontiers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
