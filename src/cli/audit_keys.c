/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that verify: from options, and as the ledger names them. */
#include <stdlib.h>
#include <string.h>

#include "cli/audit.h"
#include "util/file.h"
#include "util/hex.h"

#define KEY_FILE_MAX 65536

static const char what[] = "find the keys";

void
hl_key_words(const hl_vkey *k, char out[HL_KEY_WORDS])
{
	char id[2 * HL_KEY_ID_LEN + 1];

	hl_hex_lower(id, k->id, sizeof(k->id));
	(void)hl_text_format(out, HL_KEY_WORDS, "%s key %s of %s",
	    hl_key_type_name(k->key.type), id, k->name);
}

uint8_t
hl_key_log_algorithm(hl_key_type type)
{
	return type == HL_KEY_ED25519 ? HL_NOTE_ED25519 : HL_NOTE_ECDSA;
}

static bool
same_key(const hl_vkey *a, const hl_vkey *b)
{
	return a->algorithm == b->algorithm && strcmp(a->name, b->name) == 0 &&
	    hl_public_equal(&a->key, &b->key);
}

bool
hl_keys_have(const hl_keys *keys, const hl_vkey *k)
{
	for (size_t i = 0; i < keys->n; i++) {
		if (same_key(&keys->k[i], k))
			return true;
	}
	return false;
}

hl_rc
hl_keys_add(hl_keys *keys, const hl_vkey *k, hl_err *err)
{
	if (hl_keys_have(keys, k))
		return HL_OK;
	if (keys->n == HL_KEYS_MAX)
		return hl_fail(err, HL_EINPUT, what, "give fewer",
		    "there are more than %d of them", HL_KEYS_MAX);
	keys->k[keys->n++] = *k;
	return HL_OK;
}

/* ---- as text ------------------------------------------------------------ */

/* The word at `s`, and where the next one may begin. A comment is no word. */
static const char *
next_word(const char *s, char *out, size_t size, bool *found)
{
	size_t n;

	*found = false;
	s += strspn(s, " \t\r\n");
	if (*s == '#')
		return s + strcspn(s, "\n");
	n = strcspn(s, " \t\r\n");
	*found = n > 0;
	(void)hl_text_format(out, size, "%.*s", (int)n, s);
	return s + n;
}

/* Keys with blanks or line ends between them; lines that begin with # are
 * passed over. */
static hl_rc
parse_keys(hl_keys *keys, const char *text, hl_err *err)
{
	char word[1024]; /* a name and a key are far shorter */
	hl_vkey k;
	bool found;
	hl_rc rc;

	while (*text != '\0') {
		text = next_word(text, word, sizeof(word), &found);
		if (!found)
			continue;
		if ((rc = hl_vkey_parse(word, &k, err)) != HL_OK ||
		    (rc = hl_keys_add(keys, &k, err)) != HL_OK)
			return rc;
	}
	return HL_OK;
}

hl_rc
hl_keys_text(const hl_keys *keys, const char *between, hl_buf *out, hl_err *err)
{
	hl_rc rc;

	for (size_t i = 0; i < keys->n; i++) {
		if (i > 0)
			hl_buf_printf(out, "%s", between);
		if ((rc = hl_vkey_text(&keys->k[i], out, err)) != HL_OK)
			return rc;
	}
	return out->failed ? hl_nomem(err) : HL_OK;
}

json_t *
hl_json_vkey(const hl_vkey *k)
{
	hl_buf text = HL_BUF_INIT;
	json_t *j = NULL;

	if (hl_vkey_text(k, &text, NULL) == HL_OK)
		j = json_pack("{s:o, s:o, s:s, s:o}", "name",
		    hl_json_text(k->name), "key_id",
		    hl_json_hex(k->id, sizeof(k->id)), "type",
		    hl_key_type_name(k->key.type), "vkey",
		    hl_json_text(hl_buf_str(&text)));
	hl_buf_free(&text);
	return j;
}

/* ---- from the command line ---------------------------------------------- */

static hl_rc
from_pem(hl_keys *keys, hl_buf *text, const char *origin, hl_err *err)
{
	hl_public_key p;
	hl_vkey k;
	hl_rc rc;

	rc = hl_public_read_pem(hl_buf_str(text), text->n, &p, err);
	if (rc == HL_OK)
		rc = hl_vkey_make(
		    &k, origin, hl_key_log_algorithm(p.type), &p, err);
	return rc == HL_OK ? hl_keys_add(keys, &k, err) : rc;
}

/* What hsmlic audit key show prints has other lines, and a PEM key that says
 * less: it does not tell a witness from a log. */
static hl_rc
from_lines(hl_keys *keys, const char *text, hl_err *err)
{
	char line[1024];
	hl_vkey k;
	hl_rc rc;

	while (*text != '\0') {
		const size_t n = strcspn(text, "\r\n");

		(void)hl_text_format(line, sizeof(line), "%.*s", (int)n, text);
		if (hl_vkey_parse(line, &k, NULL) == HL_OK &&
		    (rc = hl_keys_add(keys, &k, err)) != HL_OK)
			return rc;
		text += n;
		text += strspn(text, "\r\n");
	}
	return HL_OK;
}

static hl_rc
from_text(hl_keys *keys, hl_buf *text, const char *origin, hl_err *err)
{
	const size_t before = keys->n;
	hl_rc rc;

	if (strstr(hl_buf_str(text), "-----BEGIN ") != NULL) {
		rc = from_lines(keys, hl_buf_str(text), err);
		return rc != HL_OK || keys->n > before
		    ? rc
		    : from_pem(keys, text, origin, err);
	}
	rc = parse_keys(keys, hl_buf_str(text), err);
	return rc != HL_OK || hl_buf_str(text)[0] != '\0'
	    ? rc
	    : hl_fail(err, HL_EINPUT, what, "", "the file is empty");
}

static hl_rc
from_file(hl_keys *keys, const char *path, const char *origin, hl_err *err)
{
	hl_buf text = HL_BUF_INIT;
	hl_rc rc = hl_file_read(path, KEY_FILE_MAX, &text, err);

	if (rc == HL_OK)
		rc = from_text(keys, &text, origin, err);
	if (rc != HL_OK)
		hl_err_what(err, "read the keys in %s", path);
	hl_buf_free(&text);
	return rc;
}

hl_rc
hl_keys_word(hl_keys *keys, const char *word, const char *origin, hl_err *err)
{
	hl_err why = { 0 };
	hl_vkey k;
	hl_rc rc;

	if (hl_vkey_parse(word, &k, &why) == HL_OK)
		return hl_keys_add(keys, &k, err);
	rc = from_file(keys, word, origin, err);
	if (rc != HL_ENOTFOUND)
		return rc;
	return hl_fail(err, HL_EUSAGE, what,
	    "give it as hsmlic audit key show prints it, or a file with such "
	    "keys or a PEM public key",
	    "%s is no file, and no key either: %s", word, why.why);
}

/* ---- as the ledger names them ------------------------------------------- */

struct gathering {
	hl_keys *keys;
	const char *fact;
	bool all; /* of all checkpoints, not the newest alone */
	hl_err *err;
	hl_rc rc;
};

static bool
take_event(void *arg, const hl_event_row *r)
{
	struct gathering *g = arg;
	const char *text;
	hl_event e;

	if ((g->rc = hl_audit_read_event(r, &e, g->err)) != HL_OK)
		return false;
	if ((text = hl_event_text(&e, g->fact)) != NULL)
		g->rc = parse_keys(g->keys, text, g->err);
	hl_event_free(&e);
	/* the newest come first: those that many others replaced are left out
	 */
	if (g->rc != HL_OK && g->all && g->keys->n == HL_KEYS_MAX) {
		g->rc = HL_OK;
		g->keys->cut = true;
		return false;
	}
	return g->rc == HL_OK && g->all;
}

static hl_rc
gather(hl_cli *cli, hl_keys *out, const char *fact, bool all, hl_err *err)
{
	struct gathering g = { out, fact, all, err, HL_OK };
	hl_rc rc = hl_store_checkpoints(cli->store, take_event, &g, err);

	return rc == HL_OK ? g.rc : rc;
}

hl_rc
hl_keys_known(hl_cli *cli, hl_keys *out, hl_err *err)
{
	return gather(cli, out, "known_keys", false, err);
}

struct tracing {
	const hl_vkey *key;
	uint64_t size;
	hl_keys keys; /* of one event */
	hl_err *err;
	hl_rc rc;
};

static bool
trace_event(void *arg, const hl_event_row *r)
{
	struct tracing *t = arg;
	const char *text;
	hl_event e;

	if ((t->rc = hl_audit_read_event(r, &e, t->err)) != HL_OK)
		return false;
	t->keys.n = 0;
	if ((text = hl_event_text(&e, "keys")) != NULL)
		t->rc = parse_keys(&t->keys, text, t->err);
	hl_event_free(&e);
	if (t->rc == HL_OK && hl_keys_have(&t->keys, t->key))
		t->size = r->seq + 1;
	return t->rc == HL_OK && t->size == 0;
}

hl_rc
hl_key_last_signed(hl_cli *cli, const hl_vkey *k, uint64_t *size, hl_err *err)
{
	struct tracing *t = calloc(1, sizeof(*t));
	hl_rc rc;

	*size = 0;
	if (t == NULL)
		return hl_nomem(err);
	t->key = k;
	t->err = err;
	rc = hl_store_checkpoints(cli->store, trace_event, t, err);
	if (rc == HL_OK)
		rc = t->rc;
	*size = t->size;
	free(t);
	return rc;
}

hl_rc
hl_keys_choose(hl_cli *cli, const char *origin, hl_keys *out, hl_err *err)
{
	const char *word;
	size_t i;
	hl_rc rc;

	memset(out, 0, sizeof(*out));
	for (i = 0; (word = hl_opt_nth(cli, "key", i)) != NULL; i++) {
		if ((rc = hl_keys_word(out, word, origin, err)) != HL_OK)
			return rc;
	}
	if (i > 0)
		return HL_OK;
	out->own_word = true;
	if ((rc = gather(cli, out, "keys", true, err)) != HL_OK)
		return rc;
	if (out->n > 0)
		return HL_OK;
	return hl_fail(err, HL_EUSAGE, what,
	    "say with --key which keys sign this log",
	    "no --key was given, and the ledger tells of no checkpoint");
}
