/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proof cases of github.com/transparency-dev/merkle (testdata), which are
 * no part of this project: read from the folder merkle/ in $HSMLIC_VECTORS, or
 * in the one named at build time. Exit 77 where it is not there.
 *
 * Their hashes are any bytes, and here they have 32. A case whose hashes have
 * another length is refused by read_hash(), which is right where the case is to
 * be refused. Where it is to be accepted (it compares two such roots, or does
 * not look at them), its roots are replaced by their SHA-256.
 */
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include <jansson.h>

#include "crypto/hexvec.h"
#include "ledger/tree_proof.h"
#include "util/buf.h"
#include "util/file.h"

#define CASES 518
#define CASE_MAX 65536
#define SKIPPED 77

typedef enum verdict { ACCEPTED, REFUSED, MALFORMED } verdict;

typedef struct read_case {
	const char *path;
	const json_t *json;
	bool replaces; /* roots that have not 32 bytes */
	bool malformed;
} read_case;

static const char *folder; /* that the cases lie in */
static struct {
	size_t seen, accepted, refused, malformed, replaced;
} tally;

/*
 * Numbers go up to 2^64 - 1, which Jansson refuses: each is made a string. In
 * these files nothing but numbers has digits outside of strings.
 */
static json_t *
load(const char *path)
{
	hl_buf in = HL_BUF_INIT, out = HL_BUF_INIT;
	bool in_string = false, in_number = false;
	json_error_t why;
	json_t *json;

	if (hl_file_read(path, CASE_MAX, &in, NULL) != HL_OK)
		fail_msg("%s: cannot be read", path);
	for (size_t i = 0; i < in.n; i++) {
		const char c = (char)in.p[i];
		const bool digit = !in_string && c >= '0' && c <= '9';

		if (digit != in_number)
			hl_buf_u8(&out, '"');
		in_number = digit;
		if (c == '"')
			in_string = !in_string;
		hl_buf_u8(&out, (uint8_t)c);
	}
	json = json_loadb((const char *)out.p, out.n, 0, &why);
	if (json == NULL)
		fail_msg("%s: %s", path, why.text);
	hl_buf_free(&in);
	hl_buf_free(&out);
	return json;
}

static uint64_t
read_number(const read_case *c, const char *name)
{
	const char *s = json_string_value(json_object_get(c->json, name));
	char *end = NULL;
	uint64_t v;

	if (s == NULL || s[0] == '\0')
		fail_msg("%s: no number \"%s\"", c->path, name);
	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno != 0 || *end != '\0')
		fail_msg("%s: %s=\"%s\"", c->path, name, s);
	return v;
}

static hl_hash
read_hash(read_case *c, const json_t *value, bool is_root)
{
	const char *s = json_string_value(value);
	hl_buf b = HL_BUF_INIT;
	hl_hash h = { { 0 } };

	if (s == NULL || !hl_base64_decode(s, strlen(s), &b))
		fail_msg("%s: a hash is no base64", c->path);
	if (b.n == sizeof(h.b))
		memcpy(h.b, b.p, b.n);
	else if (is_root && c->replaces)
		assert_int_equal(hl_sha256(b.p, b.n, h.b, NULL), HL_OK);
	else
		c->malformed = true;
	hl_buf_free(&b);
	return h;
}

static hl_hash
read_root(read_case *c, const char *name)
{
	return read_hash(c, json_object_get(c->json, name), true);
}

static hl_proof
read_proof(read_case *c)
{
	const json_t *list = json_object_get(c->json, "proof");
	hl_proof p = { 0 };

	if (!json_is_null(list) && !json_is_array(list))
		fail_msg("%s: no proof", c->path);
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (p.n == HL_PROOF_MAX) {
			c->malformed = true;
			break;
		}
		p.h[p.n++] = read_hash(c, json_array_get(list, i), false);
	}
	return p;
}

static verdict
verdict_of(const read_case *c, hl_rc rc)
{
	if (c->malformed)
		return MALFORMED;
	if (rc != HL_OK && rc != HL_EINTEGRITY)
		fail_msg("%s: %s", c->path, hl_rc_name(rc));
	return rc == HL_OK ? ACCEPTED : REFUSED;
}

static verdict
inclusion(read_case *c)
{
	const uint64_t index = read_number(c, "leafIdx");
	const uint64_t size = read_number(c, "treeSize");
	const hl_hash root = read_root(c, "root");
	const hl_hash leaf =
	    read_hash(c, json_object_get(c->json, "leafHash"), false);
	const hl_proof p = read_proof(c);

	return verdict_of(
	    c, hl_check_inclusion(&leaf, index, size, &p, &root, NULL));
}

static verdict
consistency(read_case *c)
{
	const uint64_t old = read_number(c, "size1");
	const uint64_t size = read_number(c, "size2");
	const hl_hash was = read_root(c, "root1"), now = read_root(c, "root2");
	const hl_proof p = read_proof(c);

	return verdict_of(
	    c, hl_check_consistency(old, &was, size, &now, &p, NULL));
}

/*
 * Subtrees are those of draft-ietf-plants-merkle-tree-certs ("Subtrees"):
 * leaves [start, end) are one where `start` is a multiple of the least power of
 * two that is no less than their number. The product knows none, but a subtree
 * has the form of a tree of its own.
 */
static bool
is_subtree(uint64_t start, uint64_t end)
{
	uint64_t unit = 1;

	if (end < start)
		return false;
	while (unit < end - start) {
		if (unit > UINT64_MAX / 2)
			return start == 0;
		unit *= 2;
	}
	return start % unit == 0;
}

static verdict
subtree_inclusion(read_case *c)
{
	const uint64_t index = read_number(c, "leafIdx");
	const uint64_t start = read_number(c, "start");
	const uint64_t end = read_number(c, "end");
	const hl_hash root = read_root(c, "root");
	const hl_hash leaf =
	    read_hash(c, json_object_get(c->json, "leafHash"), false);
	const hl_proof p = read_proof(c);

	if (!is_subtree(start, end) || index < start)
		return verdict_of(c, HL_EINTEGRITY);
	return verdict_of(c,
	    hl_check_inclusion(
		&leaf, index - start, end - start, &p, &root, NULL));
}

/*
 * A subtree from leaf 0 is an earlier tree. One of no leaves has the root of
 * the empty tree and needs no proof, whatever the tree is. The cases have no
 * other ones: a new case that has is a failure here, not passed over.
 */
static verdict
subtree_consistency(read_case *c)
{
	const uint64_t start = read_number(c, "start");
	const uint64_t end = read_number(c, "end");
	const uint64_t size = read_number(c, "size");
	const hl_hash was = read_root(c, "root1"), now = read_root(c, "root2");
	const hl_proof p = read_proof(c);
	const hl_frontier nothing = { 0 };
	hl_hash empty;

	if (!is_subtree(start, end) || end > size)
		return verdict_of(c, HL_EINTEGRITY);
	if (start == end) {
		assert_int_equal(
		    hl_frontier_root(&nothing, &empty, NULL), HL_OK);
		return verdict_of(c,
		    p.n == 0 && hl_hash_equal(&was, &empty) ? HL_OK
							    : HL_EINTEGRITY);
	}
	if (start > 0)
		fail_msg("%s: a subtree in the middle", c->path);
	return verdict_of(
	    c, hl_check_consistency(end, &was, size, &now, &p, NULL));
}

static const struct {
	const char *folder;
	verdict (*judge)(read_case *c);
	size_t cases;
} kinds[] = {
	{ "/inclusion/", inclusion, 98 },
	{ "/consistency/", consistency, 98 },
	{ "/subtreeinclusion/", subtree_inclusion, 204 },
	{ "/subtreeconsistency/", subtree_consistency, 118 },
};
static size_t seen[HL_COUNT(kinds)];

static void
judge(read_case *c, size_t kind)
{
	const json_t *wanted = json_object_get(c->json, "wantErr");
	verdict v = kinds[kind].judge(c);

	if (!json_is_boolean(wanted))
		fail_msg("%s: no \"wantErr\"", c->path);
	if (v == MALFORMED && json_is_false(wanted)) {
		c->replaces = true;
		c->malformed = false;
		v = kinds[kind].judge(c);
		tally.replaced++;
	}
	if ((v == ACCEPTED) != json_is_false(wanted))
		fail_msg("%s: %s", c->path,
		    v == ACCEPTED	 ? "accepted"
			: v == MALFORMED ? "malformed"
					 : "refused");
	tally.seen++;
	seen[kind]++;
	tally.accepted += v == ACCEPTED;
	tally.refused += v == REFUSED;
	tally.malformed += v == MALFORMED;
}

static int
visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const size_t n = strlen(path);
	read_case c = { .path = path };
	json_t *json;

	(void)st;
	(void)ftw;
	if (type != FTW_F || n < 5 || strcmp(path + n - 5, ".json") != 0)
		return 0;
	json = load(path);
	c.json = json;
	for (size_t i = 0; i < HL_COUNT(kinds); i++)
		if (strstr(path + strlen(folder), kinds[i].folder) != NULL)
			judge(&c, i);
	json_decref(json);
	return 0;
}

static void
all_cases(void **state)
{
	(void)state;
	assert_int_equal(nftw(folder, visit, 8, FTW_PHYS), 0);
	print_message("%zu cases: %zu accepted, %zu refused by their proof, "
		      "%zu by the length of a hash; of those accepted, %zu "
		      "with roots replaced\n",
	    tally.seen, tally.accepted, tally.refused, tally.malformed,
	    tally.replaced);
	for (size_t i = 0; i < HL_COUNT(kinds); i++)
		if (seen[i] < kinds[i].cases)
			fail_msg("%s has %zu cases, not %zu", kinds[i].folder,
			    seen[i], kinds[i].cases);
	assert_true(tally.seen >= CASES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(all_cases) };
	const char *named = getenv("HSMLIC_VECTORS");
	const char *root = named != NULL ? named : VECTORS;
	hl_buf path = HL_BUF_INIT;
	struct stat st;
	int failed = SKIPPED;

	hl_buf_printf(&path, "%s/merkle", root);
	folder = hl_buf_str(&path);
	if (stat(folder, &st) == 0 || named != NULL)
		failed = cmocka_run_group_tests(tests, NULL, NULL);
	else
		printf("skipped: there are no proof cases in %s "
		       "(HSMLIC_VECTORS names another folder)\n",
		    root);
	hl_buf_free(&path);
	return failed;
}
