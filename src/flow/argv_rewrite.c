/* SPDX-License-Identifier: Apache-2.0 */
/* The vector without the card, and a vector as a line for a shell. */
#include <stdlib.h>
#include <string.h>

#include "flow/argv_int.h"
#include "util/text.h"

struct writer {
	char *const *argv;
	const char **words;
	size_t n;
};

static void
put(struct writer *w, const char *word)
{
	w->words[w->n++] = word;
}

/* Would the tool take it for a license file in the place of one? */
static hl_rc
check_license(const char *path, hl_err *err)
{
	if (path != NULL && path[0] != '\0' && path[0] != '-' &&
	    hl_argv_value(path, "hsm") == NULL &&
	    hl_argv_value(path, "slot") == NULL &&
	    hl_argv_value(path, "protocol") == NULL && !hl_argv_torn(path) &&
	    !hl_argv_hides(path, NULL))
		return HL_OK;
	return hl_fail(err, HL_EUSAGE, "hand a license to the programmer",
	    "give a path that begins with /",
	    path == NULL ? "there is none for one of its uses"
			 : "\"%s\" would not be taken for a file",
	    path == NULL ? "" : path);
}

static void
put_license(struct writer *w, const char *license)
{
	put(w, "hsm=0");
	put(w, license);
}

/*
 * Where hsm=1 stood, if that is between image and address as the help has it;
 * else right behind the image, because the license must not be the first plain
 * word.
 */
static void
put_use(struct writer *w, const hl_argv_use *u, const char *license)
{
	const int behind = u->tfa_at > u->file_at ? u->tfa_at : u->file_at;
	const bool in_place = u->hsm_at > behind &&
	    (u->address_at < 0 || u->hsm_at < u->address_at);

	for (int i = u->first; i <= u->last; i++) {
		if (i == u->hsm_at && in_place)
			put_license(w, license);
		if (i != u->hsm_at && i != u->slot_at)
			put(w, w->argv[i]);
		if (i == behind && !in_place)
			put_license(w, license);
	}
}

static bool
is_installed(const hl_argv_use *u)
{
	return u->kind == HL_ARGV_SFI || u->kind == HL_ARGV_SSP ||
	    u->kind == HL_ARGV_MODULE;
}

hl_rc
hl_argv_rewrite(const hl_argv *a, int argc, char *const *argv,
    const char *const *license, const char ***out, hl_err *err)
{
	struct writer w = { .argv = argv };
	int i = 0;
	hl_rc rc;

	*out = NULL;
	for (size_t k = 0; k < a->n; k++)
		if (a->use[k].hsm && is_installed(&a->use[k]) &&
		    (rc = check_license(license[k], err)) != HL_OK)
			return rc;
	/* One more word a use at most, and NULL. */
	w.words = calloc((size_t)argc + a->n + 1, sizeof(*w.words));
	if (w.words == NULL)
		return hl_nomem(err);
	for (size_t k = 0; k < a->n; k++) {
		const hl_argv_use *u = &a->use[k];

		if (!u->hsm)
			continue;
		while (i < u->first)
			put(&w, argv[i++]);
		if (is_installed(u))
			put_use(&w, u, license[k]);
		i = u->last + 1;
	}
	while (i < argc)
		put(&w, argv[i++]);
	*out = w.words;
	return HL_OK;
}

/* ---- for a shell -------------------------------------------------------- */

static bool
is_plain(const char *word)
{
	static const char fine[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789%+,-./:=@_";

	return word[0] != '\0' && word[0] != '=' &&
	    word[strspn(word, fine)] == '\0';
}

/* $'...', where every byte can be written. */
static void
quote_bytes(const char *word, hl_buf *out)
{
	hl_buf_printf(out, "$'");
	for (; *word != '\0'; word++) {
		const unsigned char c = (unsigned char)*word;

		if (c < 0x20 || c >= 0x7f || c == '\'' || c == '\\')
			hl_buf_printf(out, "\\%03o", c);
		else
			hl_buf_u8(out, c);
	}
	hl_buf_u8(out, '\'');
}

static void
quote_text(const char *word, hl_buf *out)
{
	hl_buf_u8(out, '\'');
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			hl_buf_printf(out, "'\\''");
		else
			hl_buf_u8(out, (uint8_t)*word);
	}
	hl_buf_u8(out, '\'');
}

void
hl_argv_quote(const char *const *argv, hl_buf *out)
{
	for (size_t i = 0; argv[i] != NULL; i++) {
		const char *word = argv[i];

		if (i > 0)
			hl_buf_u8(out, ' ');
		/* A first word with '=' would be an assignment. */
		if (is_plain(word) && (i > 0 || strchr(word, '=') == NULL))
			hl_buf_printf(out, "%s", word);
		else if (hl_text_valid(word, strlen(word)))
			quote_text(word, out);
		else
			quote_bytes(word, out);
	}
}
