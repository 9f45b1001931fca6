/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/FORMAT.ledger: the worked example is made anew and compared, byte by
 * byte, with what stands there; and its tables name every column and kind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/hash.h"
#include "ledger/event.h"
#include "ledger/keys.h"
#include "ledger/proof_file.h"
#include "store/sqlite/log.h"
#include "util/file.h"
#include "util/hex.h"

#define DOC HSMLIC_SOURCE "/docs/FORMAT.ledger"
#define ORIGIN "ledger.example/line-1"
#define WITNESS "witness.example/w1"
#define WITNESS_AT 1795500000
#define EVENTS 3
#define WIDTH 72 /* of a line in the page, behind its tab */

static hl_buf doc = HL_BUF_INIT;
static int differ; /* blocks that are not as they have to be */

/* ---- the page ------------------------------------------------------------ */

/* Where the next line of a block is that ends with this one; NULL: there is none.
 * An empty line amid the block is one of its lines. */
static const char *
next_line(const char *p)
{
	p = strchr(p, '\n') + 1;
	return *p == '\t' || (p[0] == '\n' && p[1] == '\t') ? p : NULL;
}

/* A block: "   LABEL:", an empty line, lines behind a tab. Behind two tabs a
 * line goes on. */
static void
read_block(const char *label, hl_buf *out)
{
	char head[80];
	const char *p;

	(void)snprintf(head, sizeof(head), "\n   %s:\n\n", label);
	if ((p = strstr(hl_buf_str(&doc), head)) == NULL)
		return;
	for (p += strlen(head); p != NULL; p = next_line(p)) {
		const bool goes_on = p[0] == '\t' && p[1] == '\t';
		const char *text = p + goes_on + (p[0] == '\t');

		if (!goes_on && out->n > 0)
			hl_buf_u8(out, '\n');
		hl_buf_put(out, text, strcspn(text, "\n"));
	}
}

/* What would have to stand there. */
static void
show_line(const char *p, size_t n)
{
	const char *tabs = n > 0 ? "\t" : "";

	do {
		size_t some = n < WIDTH ? n : WIDTH;

		while (some < n && (p[some] & 0xc0) == 0x80)
			some--; /* not amid a character */
		print_message("%s%.*s\n", tabs, (int)some, p);
		p += some;
		n -= some;
		tabs = "\t\t";
	} while (n > 0);
}

static void
show_block(const char *label, const char *text, size_t n)
{
	const char *const end = text + n;

	print_message("   %s:\n\n", label);
	while (text < end) {
		const char *lf = memchr(text, '\n', (size_t)(end - text));
		const char *stop = lf == NULL ? end : lf;

		show_line(text, (size_t)(stop - text));
		text = stop + 1;
	}
	print_message("\n");
}

/* The last line feed of a text is not in the page. */
static void
compare(const char *label, const void *text, size_t n)
{
	hl_buf block = HL_BUF_INIT;

	if (n > 0 && ((const char *)text)[n - 1] == '\n')
		n--;
	read_block(label, &block);
	if (block.n != n || memcmp(block.p, text, n) != 0) {
		print_message("the page has to say:\n\n");
		show_block(label, text, n);
		differ++;
	}
	hl_buf_free(&block);
}

static void
compare_hash(const char *label, const hl_hash *h)
{
	char hex[2 * HL_SHA256_LEN + 1];

	hl_hex_lower(hex, h->b, sizeof(h->b));
	compare(label, hex, strlen(hex));
}

/* ---- the example --------------------------------------------------------- */

typedef struct example {
	hl_buf events[EVENTS];
	hl_hash leaves[EVENTS];
	hl_hash roots[EVENTS + 1]; /* by size */
	hl_vkey log, token, witness;
	hl_buf checkpoint;
} example;

static void
make_event(example *x, const char *kind, json_t *body)
{
	static uint64_t seq;
	hl_event e = { .seq = seq, .at = 1795500000000 + (int64_t)seq * 1500 };

	(void)snprintf(e.kind, sizeof(e.kind), "%s", kind);
	if (seq > 0) {
		(void)snprintf(e.station, sizeof(e.station), "line-1");
		(void)snprintf(e.operator_, sizeof(e.operator_), "jörg");
	}
	assert_non_null(e.body = body);
	assert_int_equal(hl_event_put(&x->events[seq], &e, NULL), HL_OK);
	assert_int_equal(hl_leaf_hash(x->events[seq].p, x->events[seq].n,
			     &x->leaves[seq], NULL),
	    HL_OK);
	json_decref(body);
	seq++;
}

static void
make_key(hl_vkey *k, const char *name, uint8_t algorithm, hl_signer *s)
{
	assert_int_equal(
	    hl_vkey_make(k, name, algorithm, hl_signer_public(s), NULL), HL_OK);
}

/* The key of RFC 6979, A.2.5, which only ever verifies here. */
static void
make_token_key(hl_vkey *k)
{
	static const char hex[] =
	    "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29f"
	    "b67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d44622"
	    "99";
	uint8_t raw[HL_P256_PUBLIC];
	hl_public_key key;
	size_t n;

	assert_true(
	    hl_hex_decode(hex, strlen(hex), raw, sizeof(raw), &n));
	assert_int_equal(
	    hl_public_from_raw(HL_KEY_P256, raw, n, &key, NULL), HL_OK);
	assert_int_equal(
	    hl_vkey_make(k, ORIGIN, HL_NOTE_ECDSA, &key, NULL), HL_OK);
}

static void
make_events(example *x)
{
	hl_buf keys = HL_BUF_INIT;

	make_event(x, "store.created",
	    json_pack("{s:i, s:s, s:s, s:I}", "store_n", 1, "store_id",
		"1831b076-5a58-4523-b890-6b8303d80afa", "store_origin", ORIGIN,
		"store_created_at", (json_int_t)1795500000000));
	make_event(x, "chip.labelled",
	    json_pack("{s:i, s:s, s:s, s:n, s:s}", "chip_n", 1, "chip_id",
		"e46d0d49-6e63-4a98-8cc2-e25fb4121a43", "chip_uid",
		"203433343634510b0021004a", "chip_cert_sha256", "chip_label",
		"Prüfling \"7\""));
	assert_int_equal(hl_vkey_text(&x->log, &keys, NULL), HL_OK);
	hl_buf_u8(&keys, ' ');
	assert_int_equal(hl_vkey_text(&x->token, &keys, NULL), HL_OK);
	make_event(x, "checkpoint.made",
	    json_pack("{s:s, s:s}", "keys", hl_buf_str(&keys), "known_keys",
		hl_buf_str(&keys)));
	hl_buf_free(&keys);
}

static void
make_roots(example *x)
{
	hl_frontier f = { .size = 0 };

	for (size_t i = 0; i <= EVENTS; i++) {
		if (i > 0)
			assert_int_equal(
			    hl_frontier_add(&f, &x->leaves[i - 1], NULL),
			    HL_OK);
		assert_int_equal(
		    hl_frontier_root(&f, &x->roots[i], NULL), HL_OK);
	}
}

/* ECDSA draws a number for each signature, so this line is taken as it stands
 * in the page, and has to verify. */
static void
put_token_line(example *x, hl_buf *out)
{
	const hl_vkey keys[] = { x->token };
	hl_buf note = HL_BUF_INIT, line = HL_BUF_INIT;
	hl_note n;
	hl_checkpoint c = { .size = EVENTS, .root = x->roots[EVENTS] };

	(void)snprintf(c.origin, sizeof(c.origin), ORIGIN);
	read_block("Signature line of the P-256 key", &line);
	hl_buf_u8(&line, '\n');
	assert_int_equal(hl_checkpoint_body(&c, &note, NULL), HL_OK);
	hl_buf_u8(&note, '\n');
	hl_buf_put(&note, line.p, line.n);
	if (hl_note_parse(note.p, note.n, &n, NULL) != HL_OK ||
	    hl_note_verify(&n, keys, 1, NULL, NULL, NULL) != HL_OK) {
		print_message("a signature of the P-256 key is missing\n");
		differ++;
	} else {
		hl_buf_put(out, line.p, line.n);
	}
	hl_buf_free(&note);
	hl_buf_free(&line);
}

static void
make_checkpoint(example *x, hl_signer *log, hl_signer *witness)
{
	hl_checkpoint c = { .size = EVENTS, .root = x->roots[EVENTS] };

	(void)snprintf(c.origin, sizeof(c.origin), ORIGIN);
	assert_int_equal(
	    hl_checkpoint_sign(&x->checkpoint, &c, ORIGIN, log, NULL), HL_OK);
	put_token_line(x, &x->checkpoint);
	assert_int_equal(hl_checkpoint_cosign(&x->checkpoint, &c, WITNESS,
			     WITNESS_AT, witness, NULL),
	    HL_OK);
}

static void
make(example *x)
{
	hl_signer *log = key_rfc8032(1), *witness = key_rfc8032(2);

	make_key(&x->log, ORIGIN, HL_NOTE_ED25519, log);
	make_key(&x->witness, WITNESS, HL_NOTE_COSIGNATURE, witness);
	make_token_key(&x->token);
	make_events(x);
	make_roots(x);
	make_checkpoint(x, log, witness);
	hl_signer_close(&log);
	hl_signer_close(&witness);
}

/* ---- the comparison ------------------------------------------------------ */

static void
compare_events(const example *x)
{
	char label[80];

	for (size_t i = 0; i < EVENTS; i++) {
		(void)snprintf(label, sizeof(label), "Event %zu, %zu bytes", i,
		    x->events[i].n);
		compare(label, x->events[i].p, x->events[i].n);
		(void)snprintf(label, sizeof(label), "Its leaf hash, %zu", i);
		compare_hash(label, &x->leaves[i]);
	}
	for (size_t i = 0; i <= EVENTS; i++) {
		(void)snprintf(label, sizeof(label), "Root of %zu events", i);
		compare_hash(label, &x->roots[i]);
	}
}

static void
compare_keys(const example *x)
{
	static const char *const labels[] = { "The log's key",
		"The log's second key, P-256 (RFC 6979, A.2.5)",
		"The witness's key" };
	const hl_vkey *keys[] = { &x->log, &x->token, &x->witness };

	for (size_t i = 0; i < HL_COUNT(keys); i++) {
		hl_buf text = HL_BUF_INIT;

		assert_int_equal(hl_vkey_text(keys[i], &text, NULL), HL_OK);
		compare(labels[i], text.p, text.n);
		hl_buf_free(&text);
	}
}

static hl_rc
read_leaves(void *arg, uint64_t from, uint64_t n,
    bool (*each)(void *each_arg, const hl_hash *leaf), void *each_arg,
    hl_err *err)
{
	const example *x = arg;

	(void)err;
	for (uint64_t i = from; i < from + n && i < EVENTS; i++) {
		if (!each(each_arg, &x->leaves[i]))
			break;
	}
	return HL_OK;
}

static void
compare_proofs(example *x)
{
	const hl_leaves leaves = { read_leaves, x };
	hl_buf file = HL_BUF_INIT;
	hl_proof proof;

	assert_int_equal(
	    hl_prove_inclusion(&leaves, 1, EVENTS, &proof, NULL), HL_OK);
	assert_int_equal(hl_proof_file_put(&file, 1, &proof, x->checkpoint.p,
			     x->checkpoint.n, NULL),
	    HL_OK);
	compare("Proof of event 1", file.p, file.n);
	hl_buf_reset(&file);
	assert_int_equal(
	    hl_prove_consistency(&leaves, 2, EVENTS, &proof, NULL), HL_OK);
	assert_int_equal(hl_proof_lines_put(&file, &proof, NULL), HL_OK);
	compare("Proof that 3 events continue 2", file.p, file.n);
	hl_buf_free(&file);
}

static void
test_example(void **state)
{
	static example x;

	(void)state;
	make(&x);
	compare_events(&x);
	compare_keys(&x);
	compare("Checkpoint", x.checkpoint.p, x.checkpoint.n);
	compare_proofs(&x);
	for (size_t i = 0; i < EVENTS; i++)
		hl_buf_free(&x.events[i]);
	hl_buf_free(&x.checkpoint);
	assert_int_equal(differ, 0);
}

/* ---- the tables ---------------------------------------------------------- */

/* Is it a whole word of that text? */
static bool
has_word(const char *text, const char *end, const char *word, size_t n)
{
	for (const char *p = text; p + n <= end; p++) {
		if (strncmp(p, word, n) == 0 && strchr("\t\n *", p[n]) != NULL &&
		    strchr("\t\n ", p[-1]) != NULL)
			return true;
	}
	return false;
}

/* The row of a table in section 2, up to the next row; *who: it has "WHO". */
static const char *
row_of(const hl_logged *t, const char **end)
{
	char head[80];
	const char *p;

	(void)snprintf(head, sizeof(head), "\n\t%s\t", t->thing);
	p = strstr(hl_buf_str(&doc), head);
	if (p == NULL || strstr(p, t->table) == NULL)
		fail_msg("no row for %s in the page", t->table);
	for (*end = strchr(p + 1, '\n'); strncmp(*end, "\n\t\t", 3) == 0;)
		*end = strchr(*end + 1, '\n');
	return p + 1;
}

/* Each name of a list of columns; "one AS n" is n. */
static void
check_columns(const hl_logged *t, const char *columns, bool star)
{
	const char *end, *row = row_of(t, &end);

	for (const char *p = columns; *p != '\0';) {
		const size_t all = strcspn(p, ",");
		size_t n = all, at = 0;
		char word[64];

		for (size_t i = 0; i < all; i++)
			at = p[i] == ' ' ? i + 1 : at;
		n -= at;
		(void)snprintf(word, sizeof(word), "%.*s%s", (int)n, p + at,
		    star && strcmp(t->thing, "store") != 0 ? "*" : "");
		if (!has_word(row, end, p + at, n) &&
		    !(has_word(row, end, "WHO", 3) &&
			strstr("station operator lot note use_class", word)))
			fail_msg("%s.%s is not in the page", t->table, word);
		p += all + strspn(p + all, ", ");
	}
}

static void
check_changing(const hl_logged *t)
{
	const char *end, *row = row_of(t, &end);

	for (const char *p = t->changing; p != NULL && *p != '\0';) {
		const size_t n = strcspn(p, ",");
		char word[64];

		(void)snprintf(word, sizeof(word), "%.*s*", (int)n, p);
		if (strcmp(word, "n*") != 0 && strcmp(word, "id*") != 0 &&
		    !has_word(row, end, word, n + 1))
			fail_msg("%s.%s may change", t->table, word);
		p += n + strspn(p + n, ", ");
	}
}

static size_t
count_stars(const hl_logged *t)
{
	const char *end, *row = row_of(t, &end);
	size_t n = 0;

	for (const char *p = row; p < end; p++)
		n += *p == '*';
	return n;
}

static size_t
count_changing(const hl_logged *t)
{
	size_t n = 1;

	if (t->changing == NULL)
		return 0;
	for (const char *p = t->changing; *p != '\0'; p++)
		n += *p == ',';
	return n - 2; /* n and id do not change */
}

static void
test_columns(void **state)
{
	(void)state;
	for (size_t i = 0; i < hl_logged_n; i++) {
		const hl_logged *t = &hl_logged_tables[i];

		check_columns(t, t->all, false);
		check_changing(t);
		assert_int_equal(count_stars(t), count_changing(t));
	}
}

static int
read_doc(void **state)
{
	(void)state;
	return hl_file_read(DOC, 1 << 20, &doc, NULL) == HL_OK ? 0 : -1;
}

static int
free_doc(void **state)
{
	(void)state;
	hl_buf_free(&doc);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_columns),
	};

	return cmocka_run_group_tests(tests, read_doc, free_doc);
}
