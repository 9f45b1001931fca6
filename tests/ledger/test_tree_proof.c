/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs of every leaf and every earlier tree in all trees up to SIZES leaves,
 * and of some in large ones: as RFC 6962 defines them, accepted, and refused
 * once anything about them is changed.
 */
#include "crypto/hexvec.h"
#include "ledger/tree_model.h"

#define SIZES 300
#define THOROUGH 48 /* up to here every hash is altered in turn */
#define LARGE 1000000
#define LARGE_CHECKED 1500
#define LARGE_PROVEN 4

/*
 * To make a proof takes as many hashes as the tree has leaves. With sanitizers,
 * which make a hash several times as slow, most sizes above 100 are left out;
 * their proofs are then those of the model.
 */
static bool
is_made(uint64_t size)
{
#if defined(__SANITIZE_ADDRESS__)
	return size <= 100 || size % 16 == 9;
#else
	return size > 0;
#endif
}

/* xorshift64*; the same numbers on every run */
static uint64_t seed;

static uint64_t
below(uint64_t n)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (seed * 0x2545f4914f6cdd1d >> 11) % n;
}

/* A log that is read as a file would be: forward, each leaf at most once. */
typedef struct log_file {
	const model *m;
	uint64_t size, next, fails_at;
	bool lavish; /* gives all there are, whoever says that it is enough */
	hl_rc fails_with;
} log_file;

static hl_rc
log_read(void *arg, uint64_t from, uint64_t n,
    bool (*each)(void *, const hl_hash *), void *each_arg, hl_err *err)
{
	log_file *f = arg;
	const uint64_t end = f->lavish ? f->size : from + n;

	assert_true(n > 0 && (f->lavish || from >= f->next));
	for (uint64_t i = from; i < end && i < f->size; i++) {
		f->next = i + 1;
		if (f->fails_with != HL_OK && i == f->fails_at)
			return hl_fail(err, f->fails_with, "read", "", "bad");
		if (!each(each_arg, &f->m->full[0][i]) && !f->lavish)
			break;
	}
	return HL_OK;
}

static hl_rc
prove_inclusion(const model *m, uint64_t index, uint64_t size, hl_proof *p)
{
	log_file f = { .m = m, .size = m->size };

	return hl_prove_inclusion(
	    &(hl_leaves){ log_read, &f }, index, size, p, NULL);
}

static hl_rc
prove_consistency(const model *m, uint64_t old, uint64_t size, hl_proof *p)
{
	log_file f = { .m = m, .size = m->size };

	return hl_prove_consistency(
	    &(hl_leaves){ log_read, &f }, old, size, p, NULL);
}

/* A claim with its proof, of either sort. */
typedef struct claim {
	bool inclusion;
	uint64_t at; /* index, or the size of the smaller tree */
	uint64_t size;
	hl_hash what; /* leaf, or root of the smaller tree */
	hl_hash root;
	hl_proof p;
} claim;

static bool
model_accepts(const claim *c)
{
	return c->inclusion
	    ? model_accepts_inclusion(&c->what, c->at, c->size, &c->p, &c->root)
	    : model_accepts_consistency(
		  c->at, &c->what, c->size, &c->root, &c->p);
}

static hl_rc
check(const claim *c, hl_err *err)
{
	return c->inclusion
	    ? hl_check_inclusion(&c->what, c->at, c->size, &c->p, &c->root, err)
	    : hl_check_consistency(
		  c->at, &c->what, c->size, &c->root, &c->p, err);
}

/* The reasons are made in small trees only: to word them takes longer than to
 * find them. */
static bool
accepted(const claim *c)
{
	hl_err err = { 0 };
	const bool asks = c->size <= THOROUGH;
	const hl_rc rc = check(c, asks ? &err : NULL);

	if (rc == HL_OK) {
		assert_int_equal(err.rc, HL_OK);
		return true;
	}
	assert_int_equal(rc, HL_EINTEGRITY);
	if (asks) {
		assert_int_equal(err.rc, HL_EINTEGRITY);
		assert_true(err.why[0] != '\0' && err.hint[0] != '\0');
	}
	return false;
}

static void
assert_accepted(const claim *c)
{
	if (!accepted(c))
		fail_msg("refused: %d, %llu of %llu", c->inclusion,
		    (unsigned long long)c->at, (unsigned long long)c->size);
}

static void
assert_refused(const claim *c, const char *change)
{
	if (accepted(c))
		fail_msg("accepted although %s: %d, %llu of %llu", change,
		    c->inclusion, (unsigned long long)c->at,
		    (unsigned long long)c->size);
}

static void
flip(hl_hash *h)
{
	h->b[below(sizeof(h->b))] ^= (uint8_t)(1 << below(8));
}

static void
flipped_hash(const claim *c, size_t i)
{
	claim bad = *c;

	flip(&bad.p.h[i]);
	assert_refused(&bad, "a bit is flipped");
}

static void
dropped_hash(const claim *c, size_t i)
{
	claim bad = *c;

	bad.p.n--;
	memmove(
	    &bad.p.h[i], &bad.p.h[i + 1], (bad.p.n - i) * sizeof(bad.p.h[0]));
	assert_refused(&bad, "a hash is dropped");
}

static void
added_hash(const claim *c, size_t i)
{
	claim bad = *c;

	memmove(
	    &bad.p.h[i + 1], &bad.p.h[i], (bad.p.n - i) * sizeof(bad.p.h[0]));
	bad.p.n++;
	assert_refused(&bad, "a hash is doubled");
	bad.p.h[i] = model_leaf(below(SIZES));
	assert_refused(&bad, "a hash is added");
	memset(&bad.p.h[i], 0, sizeof(bad.p.h[i]));
	assert_refused(&bad, "an empty hash is added");
}

static void
swapped_hashes(const claim *c, size_t i)
{
	claim bad = *c;

	bad.p.h[i] = c->p.h[i + 1];
	bad.p.h[i + 1] = c->p.h[i];
	assert_refused(&bad, "two hashes are swapped");
}

/* One hash of a proof; of large trees' proofs any one. */
static void
altered_proof(const claim *c)
{
	const size_t n = c->p.n;
	const bool all = c->size <= THOROUGH;
	const size_t from = all || n == 0 ? 0 : below(n);

	for (size_t i = from; i < n && (all || i == from); i++) {
		flipped_hash(c, i);
		dropped_hash(c, i);
		if (i + 1 < n)
			swapped_hashes(c, i);
	}
	for (size_t i = from; i <= n && n < HL_PROOF_MAX; i++)
		if (all || i == from)
			added_hash(c, i);
}

static void
altered_hashes(const claim *c)
{
	claim bad = *c;

	flip(&bad.root);
	assert_refused(&bad, "the root is another");
	bad = *c;
	flip(&bad.what);
	assert_refused(&bad, "the leaf or the old root is another");
	if (hl_hash_equal(&c->what, &c->root))
		return;
	bad.root = c->what;
	bad.what = c->root;
	assert_refused(&bad, "the hashes are swapped");
}

/*
 * A root does not tell how large its tree is, and so another number may have
 * the very same proof (that of leaf 0 in trees of 3 and of 4 leaves has the
 * same form). What the definition accepts has to be accepted, nothing else.
 */
static void
altered_numbers(const claim *c)
{
	const uint64_t numbers[] = { 0, 1, c->at - 1, c->at + 1, c->size - 1,
		c->size, c->size + 1, 2 * c->size, below(2 * SIZES),
		UINT64_MAX };
	const size_t few = below(HL_COUNT(numbers));

	for (size_t i = 0; i < HL_COUNT(numbers); i++) {
		claim bad = *c;

		if (c->size > THOROUGH && i != few)
			continue;
		bad.at = numbers[i];
		if (bad.at != c->at && c->inclusion)
			assert_refused(&bad, "the index is another");
		assert_true(accepted(&bad) == model_accepts(&bad));
		bad = *c;
		bad.size = numbers[i];
		assert_true(accepted(&bad) == model_accepts(&bad));
	}
}

static void
judge(const claim *c)
{
	assert_accepted(c);
	altered_proof(c);
	altered_hashes(c);
	altered_numbers(c);
}

static claim
inclusion_claim(const model *m, uint64_t index, uint64_t size)
{
	claim c = { .inclusion = true, .at = index, .size = size };

	c.what = m->full[0][index];
	c.root = model_root(m, 0, size);
	model_path(m, index, 0, size, &c.p);
	return c;
}

static claim
consistency_claim(const model *m, uint64_t old, uint64_t size)
{
	claim c = { .at = old, .size = size };

	c.what = model_root(m, 0, old);
	c.root = model_root(m, 0, size);
	model_subproof(m, old, 0, size, true, &c.p);
	return c;
}

static void
assert_proof(const hl_proof *got, const hl_proof *want)
{
	assert_int_equal(got->n, want->n);
	assert_memory_equal(got->h, want->h, want->n * sizeof(want->h[0]));
}

static void
inclusion_in_all_trees(void **state)
{
	model m;
	hl_proof p;

	(void)state;
	seed = 20261125;
	model_new(&m, SIZES);
	for (uint64_t size = 1; size <= SIZES; size++)
		for (uint64_t i = 0; i < size; i++) {
			const claim c = inclusion_claim(&m, i, size);

			judge(&c);
			if (!is_made(size))
				continue;
			assert_int_equal(
			    prove_inclusion(&m, i, size, &p), HL_OK);
			assert_proof(&p, &c.p);
		}
	model_free(&m);
}

static void
consistency_of_all_trees(void **state)
{
	model m;
	hl_proof p;

	(void)state;
	seed = 6962;
	model_new(&m, SIZES);
	for (uint64_t size = 1; size <= SIZES; size++)
		for (uint64_t old = 1; old <= size; old++) {
			const claim c = consistency_claim(&m, old, size);

			judge(&c);
			if (!is_made(size))
				continue;
			assert_int_equal(
			    prove_consistency(&m, old, size, &p), HL_OK);
			assert_proof(&p, &c.p);
		}
	model_free(&m);
}

/* Any size is as likely as its number of digits. */
static uint64_t
random_size(void)
{
	uint64_t top = 10;

	for (uint64_t digits = below(6); digits > 0; digits--)
		top *= 10;
	return 1 + below(top);
}

static void
large_trees(void **state)
{
	model m;
	hl_proof p;

	(void)state;
	seed = 9162;
	model_new(&m, LARGE);
	for (int i = 0; i < LARGE_CHECKED; i++) {
		const uint64_t size = random_size();
		claim c = inclusion_claim(&m, below(size), size);

		judge(&c);
		if (i < LARGE_PROVEN) {
			assert_int_equal(
			    prove_inclusion(&m, c.at, size, &p), HL_OK);
			assert_proof(&p, &c.p);
		}
		c = consistency_claim(&m, 1 + below(size), size);
		judge(&c);
		if (i < LARGE_PROVEN) {
			assert_int_equal(
			    prove_consistency(&m, c.at, size, &p), HL_OK);
			assert_proof(&p, &c.p);
		}
	}
	model_free(&m);
}

/* As inclusion in a tree of 2^63 leaves: one hash for each of 63 levels. */
static void
the_largest_tree(void **state)
{
	const uint64_t most = (uint64_t)1 << 63;
	claim c = { .inclusion = true, .at = most - 1, .size = most };

	(void)state;
	seed = 63;
	c.p.n = 63;
	c.what = model_leaf(0);
	for (size_t i = 0; i < HL_PROOF_MAX; i++)
		c.p.h[i] = model_leaf(1 + i);
	assert_true(
	    model_path_root(&c.what, c.at, c.size, c.p.h, c.p.n, &c.root));
	judge(&c);
	c.at = 0;
	assert_true(
	    model_path_root(&c.what, c.at, c.size, c.p.h, c.p.n, &c.root));
	judge(&c);
	c.inclusion = false;
	c.at = 3;
	c.p.n = HL_PROOF_MAX;
	assert_true(model_subproof_roots(
	    c.at, c.size, NULL, c.p.h, c.p.n, &c.what, &c.root));
	judge(&c);
	c.at = most - 1;
	assert_true(model_subproof_roots(
	    c.at, c.size, NULL, c.p.h, c.p.n, &c.what, &c.root));
	judge(&c);
}

/* Nothing is read behind the hashes that a proof can have. */
static void
proofs_too_long_to_be(void **state)
{
	static const size_t lengths[] = { 65, 66, 1000, SIZE_MAX };
	static const uint64_t sizes[] = { 1, 5, (uint64_t)1 << 63,
		((uint64_t)1 << 63) + 1, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < HL_COUNT(lengths); i++)
		for (size_t j = 0; j < HL_COUNT(sizes); j++) {
			claim *c = calloc(1, sizeof(*c));

			assert_non_null(c);
			c->p.n = lengths[i];
			c->size = sizes[j];
			c->inclusion = true;
			assert_refused(c, "too long");
			c->inclusion = false;
			for (c->at = 1; c->at <= 3; c->at++)
				assert_refused(c, "too long");
			c->at = c->size;
			assert_refused(c, "too long");
			free(c);
		}
}

static void
proofs_that_cannot_be_made(void **state)
{
	const uint64_t too_many = ((uint64_t)1 << 63) + 1;
	const struct {
		bool inclusion;
		uint64_t at, size;
		const char *why;
	} rows[] = {
		{ true, 0, 0, "none has number 0" },
		{ true, 8, 8, "none has number 8" },
		{ true, UINT64_MAX, 8, "none has number" },
		{ true, 0, too_many, "2^63" },
		{ false, 0, 0, "no proof" },
		{ false, 0, 8, "no proof" },
		{ false, 9, 8, "8 events cannot continue 9" },
		{ false, UINT64_MAX, 8, "cannot continue" },
		{ false, 1, too_many, "2^63" },
		{ false, too_many, too_many, "2^63" },
	};
	hl_proof p, was;
	model m;

	(void)state;
	model_new(&m, 8);
	memset(&was, 0x5a, sizeof(was));
	p = was;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		log_file f = { .m = &m, .size = 8 };
		const hl_leaves l = { log_read, &f };
		hl_err err = { 0 };
		const hl_rc rc = rows[i].inclusion
		    ? hl_prove_inclusion(&l, rows[i].at, rows[i].size, &p, &err)
		    : hl_prove_consistency(
			  &l, rows[i].at, rows[i].size, &p, &err);

		CHECK(rc == HL_EINPUT && f.next == 0, rows[i].why);
		CHECK(strstr(err.why, rows[i].why) != NULL, rows[i].why);
		CHECK(memcmp(&p, &was, sizeof(p)) == 0, rows[i].why);
	}
	model_free(&m);
}

/* An inclusion proof needs all leaves but its own; a consistency proof needs
 * not those of an earlier tree that is one full subtree. */
static bool
is_needed(const claim *c, uint64_t leaf)
{
	if (c->inclusion)
		return leaf != c->at;
	if (c->at == c->size)
		return false;
	return leaf >= c->at || (c->at & (c->at - 1)) != 0;
}

static bool
is_needed_from(const claim *c, uint64_t leaf)
{
	while (leaf < c->size && !is_needed(c, leaf))
		leaf++;
	return leaf < c->size;
}

static void
prove_from(log_file f, const claim *c, hl_rc want)
{
	const hl_leaves l = { log_read, &f };
	hl_proof p, was;
	hl_err err = { 0 };
	hl_rc rc;

	memset(&was, 0x5a, sizeof(was));
	p = was;
	rc = c->inclusion ? hl_prove_inclusion(&l, c->at, c->size, &p, &err)
			  : hl_prove_consistency(&l, c->at, c->size, &p, &err);
	assert_int_equal(rc, want);
	assert_int_equal(err.rc, want);
	if (rc == HL_OK)
		assert_proof(&p, &c->p);
	else
		assert_memory_equal(&p, &was, sizeof(p));
}

/* The log is bad from, or at, each leaf in turn: it ends there, or it cannot
 * be read. Where it gives more than it is asked for, that is passed over. */
static void
prove_from_bad_logs(const model *m, const claim *c)
{
	const log_file good = { .m = m, .size = m->size };
	log_file f = good;

	prove_from(good, c, HL_OK);
	f.lavish = true;
	prove_from(f, c, HL_OK);
	for (uint64_t bad = 0; bad < c->size; bad++) {
		f = good;
		f.size = bad;
		prove_from(
		    f, c, is_needed_from(c, bad) ? HL_EINTEGRITY : HL_OK);
		f = good;
		f.fails_at = bad;
		f.fails_with = HL_EIO;
		prove_from(f, c, is_needed(c, bad) ? HL_EIO : HL_OK);
	}
}

static void
logs_that_fail(void **state)
{
	const uint64_t most = 24;
	claim c;
	model m;

	(void)state;
	model_new(&m, most + 5);
	for (uint64_t size = 1; size <= most; size++)
		for (uint64_t i = 0; i < size; i++) {
			c = inclusion_claim(&m, i, size);
			prove_from_bad_logs(&m, &c);
			c = consistency_claim(&m, i + 1, size);
			prove_from_bad_logs(&m, &c);
		}
	model_free(&m);
}

static void
assert_why(const claim *c, const char *why)
{
	hl_err err = { 0 };

	assert_int_equal(check(c, &err), HL_EINTEGRITY);
	if (strstr(err.why, why) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", why, err.why);
}

static void
refusals_say_what_differs(void **state)
{
	claim good, c;
	model m;

	(void)state;
	model_new(&m, 7);
	good = c = inclusion_claim(&m, 4, 7);
	c.at = 7;
	assert_why(&c, "of 7 events none has number 7");
	c = good;
	c.p.n = 1;
	assert_why(&c, "has 1 hash, and 3 are needed");
	c = good;
	c.root.b[31] ^= 1;
	assert_why(&c, "the root of the tree is ");
	good = c = consistency_claim(&m, 3, 7);
	c.at = 0;
	assert_why(&c, "no proof shows that 7 events continue 0");
	c.at = 8;
	assert_why(&c, "no proof shows that 7 events continue 8");
	c = good;
	c.what.b[0] ^= 1;
	assert_why(&c, "the root of the earlier tree is ");
	c = good;
	c.root.b[0] ^= 1;
	assert_why(&c, "the root of the later tree is ");
	c.at = c.size;
	assert_why(&c, "has 4 hashes, and 0 are needed");
	c.p.n = 0;
	assert_why(&c, "two different trees of 7 events");
	model_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inclusion_in_all_trees),
		cmocka_unit_test(consistency_of_all_trees),
		cmocka_unit_test(large_trees),
		cmocka_unit_test(the_largest_tree),
		cmocka_unit_test(proofs_too_long_to_be),
		cmocka_unit_test(proofs_that_cannot_be_made),
		cmocka_unit_test(logs_that_fail),
		cmocka_unit_test(refusals_say_what_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
