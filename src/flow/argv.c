/* SPDX-License-Identifier: Apache-2.0 */
/* Which options stand in a vector, and which of them could ask a card. */
#include "flow/argv.h"

#include <string.h>
#include <strings.h>

#include "flow/argv_int.h"

static const struct {
	const char *name;
	hl_argv_kind kind;
} uses[] = {
	{ "sfi", HL_ARGV_SFI },
	{ "ssp", HL_ARGV_SSP },
	{ "installipmodule", HL_ARGV_MODULE },
	{ "hsmgetlicense", HL_ARGV_GET_LICENSE },
	{ "hsmgetlicensefromcertifbin", HL_ARGV_LICENSE_FROM_CERT },
	{ "hsmglfcb", HL_ARGV_LICENSE_FROM_CERT },
};

/* They ask a card and spend nothing. */
static const char *const harmless[] = { "hsmgetinfo", "hsmgetcounter",
	"hsmgetfwid", "hsmgetstatus" };

/* They only say how the other commands are to be done. */
static const char *const settings[] = { "vb", "q", "log", "y", "rsse", "el" };

bool
hl_argv_is_option(const char *word)
{
	return word[0] == '-';
}

const char *
hl_argv_name(const char *word)
{
	/* A dash out of a PDF is more than one byte, none of them ASCII. */
	while (*word == '-' || hl_argv_is_gap(*word) || *word == '"' ||
	    *word == '\'' || ((unsigned char)*word & 0x80) != 0)
		word++;
	return word;
}

const char *
hl_argv_value(const char *word, const char *key)
{
	const size_t n = strlen(key);

	return strncasecmp(word, key, n) == 0 && word[n] == '=' ? word + n + 1
								: NULL;
}

static bool
is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool
find_use(const char *name, hl_argv_kind *kind)
{
	for (size_t i = 0; i < HL_COUNT(uses); i++) {
		if (strcasecmp(name, uses[i].name) == 0) {
			*kind = uses[i].kind;
			return true;
		}
	}
	return false;
}

static bool
is_letter_or_digit(char c)
{
	return (c >= '0' && c <= '9') ||
	    ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* "sfi=FILE", "sfi ": much like the option, but another word. */
static bool
is_near(const char *name, const char *option)
{
	const size_t n = strlen(option);

	return strncasecmp(name, option, n) == 0 && name[n] != '\0' &&
	    !is_letter_or_digit(name[n]);
}

/* "sfi=FILE", "hsmgetlicense ", "hsmgetlic": much like a use, but none. */
static bool
is_near_use(const char *name)
{
	if (strncasecmp(name, "hsm", 3) == 0)
		return true;
	for (size_t i = 0; i < HL_COUNT(uses); i++)
		if (is_near(name, uses[i].name))
			return true;
	return false;
}

bool
hl_argv_is_modules(const char *name)
{
	return strcasecmp(name, "mcsv") == 0 || is_near(name, "mcsv");
}

/* A word that is not of a use: could it make the tool ask a card? */
static hl_rc
check_stray(int i, int argc, char *const *argv, hl_err *err)
{
	const char *word = argv[i], *name = hl_argv_name(word);
	hl_argv_kind kind;

	if (strcasecmp(word, "hsm=0") == 0)
		return HL_OK;
	if (strncasecmp(name, "hsm", 3) == 0) {
		const char *next = hl_argv_skip_gaps(name + 3);

		if (*next == '\0' && i + 1 < argc)
			next = argv[i + 1]; /* "hsm = 1" as three words */
		if (*next == '=')
			return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT,
			    HL_ARGV_AS_HELP,
			    "\"%s\" belongs to no option that is known to ask "
			    "a card",
			    word);
	}
	if (name != word && !hl_argv_is_option(word) &&
	    (find_use(name, &kind) || strcasecmp(name, "mcsv") == 0))
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT,
		    "write the option with a plain '-'",
		    "\"%s\" looks like an option and is none", word);
	return HL_OK;
}

static hl_rc
check_stray_words(int from, int to, int argc, char *const *argv, hl_err *err)
{
	hl_rc rc = HL_OK;

	for (int i = from; i <= to && rc == HL_OK; i++)
		rc = check_stray(i, argc, argv, err);
	return rc;
}

struct walk {
	hl_argv a;
	int connects;  /* -c seen */
	int gcs;       /* -gc seen */
	int modules;   /* -mcsv seen */
	bool too_long; /* more words behind one than there is room for */
};

static void
take_connect(struct walk *w, int first, int last, char *const *argv)
{
	hl_connect *c = &w->a.connect;

	if (w->connects++ > 0)
		return;
	w->a.connect_at = first;
	for (int i = first + 1; i <= last; i++) {
		if (c->n < HL_COUNT(c->words))
			c->words[c->n++] = argv[i];
		else
			w->too_long = true;
	}
}

static hl_rc
take_use(struct walk *w, hl_argv_kind kind, int first, int last,
    char *const *argv, hl_err *err)
{
	hl_argv_use *u = &w->a.use[w->a.n];

	if (w->a.n == HL_ARGV_USES)
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT,
		    "run the programmer several times",
		    "there are more than %d licenses in it", HL_ARGV_USES);
	u->kind = kind;
	w->a.n++;
	return hl_argv_use_parse(u, first, last, argv, err);
}

static void
take_operand(struct walk *w, const char *name, const char *operand)
{
	if (strcasecmp(name, "rsse") == 0)
		w->a.rsse = operand;
	else if (strcasecmp(name, "gc") == 0)
		w->a.gc = operand;
}

/* Its rows are looked at before the tool gets it: all of it has to be plain. */
static hl_rc
take_modules(
    struct walk *w, int first, int last, char *const *argv, hl_err *err)
{
	if (is_near(hl_argv_name(argv[first]), "mcsv") || last != first + 1)
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT,
		    "it is -mcsv FILE, with one file",
		    "it is not plain which file \"%s\" names", argv[first]);
	if (w->modules++ > 0)
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT,
		    "run the programmer once for each file",
		    "-mcsv stands in it more than once");
	w->a.mcsv = argv[last];
	return HL_OK;
}

/* argv[first..last]: an option and its operands. */
static hl_rc
take_option(struct walk *w, int first, int last, int argc, char *const *argv,
    hl_err *err)
{
	const char *name = hl_argv_name(argv[first]);
	hl_argv_kind kind;
	hl_rc rc;

	if (find_use(name, &kind))
		return take_use(w, kind, first, last, argv, err);
	if (is_near_use(name) && !is_one_of(name, harmless, HL_COUNT(harmless)))
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT,
		    "run it without hsmlic if it is right",
		    "it is not known whether \"%s\" spends a unit",
		    argv[first]);
	if (hl_argv_is_modules(name) &&
	    (rc = take_modules(w, first, last, argv, err)) != HL_OK)
		return rc;
	if (strcasecmp(name, "c") == 0 || strcasecmp(name, "connect") == 0) {
		take_connect(w, first, last, argv);
	} else {
		if (strcasecmp(name, "gc") == 0 || is_near(name, "gc"))
			w->gcs++;
		if (last > first)
			take_operand(w, name, argv[first + 1]);
		if (!is_one_of(name, settings, HL_COUNT(settings)))
			w->a.other = true;
	}
	return check_stray_words(first + 1, last, argc, argv, err);
}

/* Which chip it is has to be plain where a unit could be spent for it. */
static hl_rc
check_connect(const struct walk *w, hl_err *err)
{
	bool hsm = false;

	for (size_t i = 0; i < w->a.n; i++)
		hsm = hsm || w->a.use[i].hsm;
	if (hsm && w->connects > 1)
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT,
		    "say -c once, or run the programmer once for each chip",
		    "-c stands in it %d times", w->connects);
	if (hsm && w->too_long)
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT, HL_ARGV_AS_HELP,
		    "more than %zu words follow -c",
		    HL_COUNT(w->a.connect.words));
	return HL_OK;
}

/*
 * A certificate file that the line itself makes is not there yet, or an old one
 * is. Which of them that is has to be plain where a license is got for one.
 */
static hl_rc
check_certificates(const struct walk *w, hl_err *err)
{
	bool from_certificate = false;

	for (size_t i = 0; i < w->a.n; i++)
		from_certificate = from_certificate ||
		    w->a.use[i].kind == HL_ARGV_LICENSE_FROM_CERT;
	if (from_certificate && w->gcs > 1)
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT,
		    "say -gc once, or run the programmer once for each "
		    "certificate",
		    "-gc stands in it %d times, and a license is got for a "
		    "certificate",
		    w->gcs);
	if (from_certificate && w->gcs == 1 && w->a.gc == NULL)
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT, "it is -gc FILE",
		    "it is not plain which file -gc writes, and a license is "
		    "got for a certificate");
	return HL_OK;
}

static hl_rc
check_hidden(int argc, char *const *argv, hl_err *err)
{
	for (int i = 1; i < argc; i++)
		if (hl_argv_hides(argv[i], i + 1 < argc ? argv[i + 1] : NULL))
			return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT,
			    "write each option and hsm= as one word; a file "
			    "name may have blanks, but not such ones",
			    "\"%s\" is not understood: taken apart at its "
			    "blanks it could ask a card",
			    argv[i]);
	return HL_OK;
}

hl_rc
hl_argv_parse(hl_argv *out, int argc, char *const *argv, hl_err *err)
{
	struct walk w = { .a = { .connect_at = -1 } };
	int last;
	hl_rc rc;

	if ((rc = check_hidden(argc, argv, err)) != HL_OK)
		return rc;
	for (int i = 1; i < argc; i = last + 1) {
		last = i;
		if (!hl_argv_is_option(argv[i])) {
			w.a.other = true;
			rc = check_stray(i, argc, argv, err);
		} else {
			while (last + 1 < argc &&
			    !hl_argv_is_option(argv[last + 1]))
				last++;
			rc = take_option(&w, i, last, argc, argv, err);
		}
		if (rc != HL_OK)
			return rc;
	}
	if ((rc = check_connect(&w, err)) == HL_OK &&
	    (rc = check_certificates(&w, err)) == HL_OK)
		*out = w.a;
	return rc;
}

bool
hl_argv_needs_tool(const hl_argv *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->use[i].kind != HL_ARGV_GET_LICENSE &&
		    a->use[i].kind != HL_ARGV_LICENSE_FROM_CERT)
			return true;
	return a->other;
}
