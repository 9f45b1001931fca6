/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Argument vectors, words that end with NUL. What is accepted can be rewritten,
 * and the result asks no card: found out by parsing it again, and once more by
 * looking at its words without the parser.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "flow/argv.h"
#include "fuzz/must.h"
#include "util/text.h"

#define WORDS_MAX 256

struct vector {
	char *text;
	char *argv[WORDS_MAX + 1];
	int argc;
};

static void
split(struct vector *v, const uint8_t *data, size_t size)
{
	char *p, *end;

	v->text = malloc(size + 1);
	MUST(v->text != NULL);
	if (size > 0)
		memcpy(v->text, data, size);
	v->text[size] = '\0';
	v->argc = 0;
	end = v->text + size;
	for (p = v->text; p < end && v->argc < WORDS_MAX; p += strlen(p) + 1)
		v->argv[v->argc++] = p;
	v->argv[v->argc] = NULL;
}

static int
is_installed(const hl_argv_use *u)
{
	return u->kind == HL_ARGV_SFI || u->kind == HL_ARGV_SSP ||
	    u->kind == HL_ARGV_MODULE;
}

static void
check_use(const hl_argv_use *u, const struct vector *v, int from)
{
	const int at[] = { u->hsm_at, u->slot_at, u->protocol_at, u->file_at,
		u->tfa_at, u->license_at, u->address_at };

	MUST(u->first >= from && u->last >= u->first && u->last < v->argc);
	MUST(v->argv[u->first][0] == '-');
	MUST(u->last + 1 == v->argc || v->argv[u->last + 1][0] == '-');
	for (size_t i = 0; i < HL_COUNT(at); i++)
		MUST(at[i] == -1 || (at[i] > u->first && at[i] <= u->last));
	MUST(u->file_at > 0 && u->file == v->argv[u->file_at]);
	MUST((u->tfa == NULL) == (u->tfa_at == -1));
	MUST((u->license == NULL) == (u->license_at == -1));
	MUST(!u->hsm || u->license == NULL);
	MUST(u->hsm || is_installed(u));
	MUST(
	    (u->certificate != NULL) == (u->kind == HL_ARGV_LICENSE_FROM_CERT));
}

/* Without the parser: nothing that is known to spend is left. */
static void
check_words(const char *const *out)
{
	static const char *const spends[] = { "hsmgetlicense",
		"hsmgetlicensefromcertifbin", "hsmglfcb" };

	for (size_t i = 1; out[0] != NULL && out[i] != NULL; i++) {
		const char *name = out[i] + strspn(out[i], "-");

		MUST(strcasecmp(out[i], "hsm=1") != 0);
		if (name == out[i])
			continue;
		for (size_t k = 0; k < HL_COUNT(spends); k++)
			MUST(strcasecmp(name, spends[k]) != 0);
	}
}

/* The same for the words that an unquoted $* makes of each. */
static void
check_pieces(const char *const *out)
{
	for (size_t i = 1; out[0] != NULL && out[i] != NULL; i++) {
		for (const char *p = out[i]; *p != '\0'; p++) {
			const char *piece = p + 1;

			if ((unsigned char)*p > ' ')
				continue;
			MUST(strncasecmp(piece, "hsm=", 4) != 0);
			MUST(*piece != '-' ||
			    strncasecmp(piece + strspn(piece, "-"), "hsm", 3) !=
				0);
		}
	}
}

/* Words outside of the uses with the card are the same, in their order. */
static size_t
check_kept(
    const char *const *out, size_t at, const struct vector *v, int from, int to)
{
	for (int i = from; i < to; i++)
		MUST(out[at++] == v->argv[i]);
	return at;
}

static void
check_rewritten(const hl_argv *a, const struct vector *v,
    const char *const *license, const char *const *out)
{
	size_t at = 0;
	int next = 0, pairs;

	for (size_t k = 0; k < a->n; k++) {
		const hl_argv_use *u = &a->use[k];

		if (!u->hsm)
			continue;
		at = check_kept(out, at, v, next, u->first);
		next = u->last + 1;
		if (!is_installed(u))
			continue;
		MUST(out[at++] == v->argv[u->first]);
		for (pairs = 0; out[at] != NULL && out[at][0] != '-'; at++)
			pairs += strcmp(out[at], "hsm=0") == 0 &&
			    out[at + 1] == license[k];
		MUST(pairs == 1);
	}
	at = check_kept(out, at, v, next, v->argc);
	MUST(out[at] == NULL);
}

static void
parse_again(const char *const *out, const hl_argv *before)
{
	hl_argv a;
	size_t installed = 0;
	int argc = 0;

	while (out[argc] != NULL)
		argc++;
	MUST(hl_argv_parse(&a, argc, (char *const *)(uintptr_t)out, NULL) ==
	    HL_OK);
	for (size_t i = 0; i < before->n; i++)
		installed += is_installed(&before->use[i]) != 0;
	MUST(a.n == installed);
	for (size_t i = 0; i < a.n; i++)
		MUST(!a.use[i].hsm && is_installed(&a.use[i]));
	MUST(a.other == before->other);
	MUST(a.connect.n == before->connect.n);
}

/* A line of hl_argv_quote() taken apart again; *s moves behind the word. */
static void
check_word(const char **s, const char *word)
{
	const char *p = *s;
	int quoted = 0; /* ' or $ */

	for (; quoted || (*p != ' ' && *p != '\0'); p++) {
		unsigned char c = (unsigned char)*p;

		MUST(c != '\0');
		if (quoted && c == '\'') {
			quoted = 0;
			continue;
		}
		if (!quoted && c == '$') {
			MUST(*++p == '\'');
			quoted = '$';
			continue;
		}
		if (!quoted && c == '\'') {
			quoted = '\'';
			continue;
		}
		if (!quoted && c == '\\') {
			c = (unsigned char)*++p;
		} else if (quoted == '$' && c == '\\') {
			c = (unsigned char)(64 * (p[1] - '0') +
			    8 * (p[2] - '0') + (p[3] - '0'));
			p += 3;
		}
		MUST((unsigned char)*word++ == c);
	}
	MUST(*word == '\0');
	*s = *p == ' ' ? p + 1 : p;
}

static void
check_quoted(const char *const *argv)
{
	hl_buf line = HL_BUF_INIT;
	const char *s;

	hl_argv_quote(argv, &line);
	s = hl_buf_str(&line);
	MUST(!line.failed && hl_text_valid(s, line.n));
	for (size_t i = 0; argv[i] != NULL; i++)
		check_word(&s, argv[i]);
	MUST(*s == '\0');
	hl_buf_free(&line);
}

static void
check_good(const hl_argv *a, const struct vector *v)
{
	static const char *const license[HL_ARGV_USES] = { "/0", "/1", "/2",
		"/3", "/4", "/5", "/6", "/7" };
	const char **out;
	int from = 1;

	MUST(a->n <= HL_ARGV_USES);
	for (size_t i = 0; i < a->n; i++) {
		check_use(&a->use[i], v, from);
		from = a->use[i].last + 1;
	}
	MUST(
	    hl_argv_rewrite(a, v->argc, v->argv, license, &out, NULL) == HL_OK);
	if (a->n == 0)
		MUST(check_kept(out, 0, v, 0, v->argc) == (size_t)v->argc);
	check_rewritten(a, v, license, out);
	check_words(out);
	check_pieces(out);
	parse_again(out, a);
	check_quoted(out);
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vector v;
	hl_err err = { 0 };
	hl_argv a;
	hl_rc rc;

	split(&v, data, size);
	rc = hl_argv_parse(&a, v.argc, v.argv, &err);
	if (rc == HL_OK) {
		MUST(err.rc == HL_OK);
		check_good(&a, &v);
	} else {
		MUST(rc == HL_EUSAGE && err.rc == rc && err.hint[0] != '\0');
		MUST(err.why[0] != '\0' &&
		    hl_text_valid(err.why, strlen(err.why)));
	}
	free(v.text);
	return 0;
}
