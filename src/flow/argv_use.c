/* SPDX-License-Identifier: Apache-2.0 */
/* The operands of one option that uses or gets a license. */
#include <string.h>
#include <strings.h>

#include "flow/argv_int.h"
#include "util/text.h"

#define SLOT_MAX 9999
#define PLAIN_MAX 3 /* FILE LICENSE ADDRESS */

struct operands {
	char *const *argv;
	int plain[PLAIN_MAX]; /* words without a key, by index */
	int n_plain;	      /* also of those for which there is no room */
	bool slot_twice, protocol_twice;
	const char *option; /* for messages */
};

static bool
gets_license(const hl_argv_use *u)
{
	return u->kind == HL_ARGV_GET_LICENSE ||
	    u->kind == HL_ARGV_LICENSE_FROM_CERT;
}

bool
hl_argv_torn(const char *word)
{
	static const char *const keys[] = { "hsm", "slot", "protocol" };
	const char *name = hl_argv_name(word);

	if (*name == '=')
		return true;
	for (size_t i = 0; i < HL_COUNT(keys); i++) {
		const size_t n = strlen(keys[i]);

		if (strncasecmp(name, keys[i], n) == 0 &&
		    (name[n] == '\0' || hl_argv_is_gap(name[n]) ||
			(name[n] == '=' && name != word)))
			return true;
	}
	return false;
}

static hl_rc
take_hsm(
    hl_argv_use *u, struct operands *o, int i, const char *value, hl_err *err)
{
	if (gets_license(u))
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT, HL_ARGV_AS_HELP,
		    "%s takes no hsm=", o->option);
	if (u->hsm_at >= 0)
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT,
		    "say hsm= once for each image",
		    "hsm= is said twice behind %s", o->option);
	if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT,
		    "it is hsm=1 with the card, hsm=0 with a license file, "
		    "without blanks",
		    "\"%s\" is neither", o->argv[i]);
	u->hsm_at = i;
	u->hsm = *value == '1';
	return HL_OK;
}

static hl_rc
take_word(hl_argv_use *u, struct operands *o, int i, hl_err *err)
{
	const char *word = o->argv[i], *value;

	if ((value = hl_argv_value(word, "hsm")) != NULL)
		return take_hsm(u, o, i, value, err);
	if (hl_argv_value(word, "slot") != NULL) {
		o->slot_twice = u->slot_at >= 0;
		u->slot_at = i;
		return HL_OK;
	}
	if (hl_argv_value(word, "protocol") != NULL) {
		o->protocol_twice = u->protocol_at >= 0;
		u->protocol_at = i;
		return HL_OK;
	}
	if (hl_argv_torn(word))
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT,
		    "write hsm=1 slot=N, each as one word without blanks",
		    "\"%s\" is not understood behind %s", word, o->option);
	if (o->n_plain < PLAIN_MAX)
		o->plain[o->n_plain] = i;
	o->n_plain++;
	return HL_OK;
}

static hl_rc
check_slot(hl_argv_use *u, const struct operands *o, hl_err *err)
{
	uint64_t slot = 1;

	if (o->slot_twice)
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT, "say slot= once",
		    "slot= is said twice behind %s", o->option);
	if (u->slot_at >= 0 &&
	    !hl_text_u64(
		hl_argv_value(o->argv[u->slot_at], "slot"), SLOT_MAX, &slot))
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT,
		    "slot= takes the number of a reader, such as slot=1",
		    "\"%s\" names no slot", o->argv[u->slot_at]);
	u->slot = (unsigned)slot;
	return HL_OK;
}

static hl_rc
check_protocol(const hl_argv_use *u, const struct operands *o, hl_err *err)
{
	const char *value;

	if (o->protocol_twice)
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT,
		    "say protocol= once", "protocol= is said twice behind %s",
		    o->option);
	if (u->protocol_at < 0)
		return HL_OK;
	value = hl_argv_value(o->argv[u->protocol_at], "protocol");
	if (strcasecmp(value, "live") == 0)
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT,
		    "use protocol=static, or run the programmer itself without "
		    "hsmlic",
		    "a live license is for one session with the chip and "
		    "cannot be kept");
	if (strcasecmp(value, "static") != 0)
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT,
		    "the programmer knows protocol=static",
		    "\"%s\" names no protocol that is known",
		    o->argv[u->protocol_at]);
	return HL_OK;
}

/* With the card the words are fixed: one more or less is not understood. */
static hl_rc
check_count(const hl_argv_use *u, const struct operands *o, hl_err *err)
{
	static const int most[] = { [HL_ARGV_SFI] = 1,
		[HL_ARGV_SSP] = 2,
		[HL_ARGV_MODULE] = 2,
		[HL_ARGV_GET_LICENSE] = 2,
		[HL_ARGV_LICENSE_FROM_CERT] = 2 };
	const int n = most[u->kind];

	if (o->n_plain > n)
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT, HL_ARGV_AS_HELP,
		    "\"%s\" is one word too many behind %s with the card",
		    o->argv[o->plain[n]], o->option);
	if (u->kind == HL_ARGV_MODULE && o->n_plain == 2 &&
	    strchr("0123456789", o->argv[o->plain[1]][0]) == NULL)
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT, HL_ARGV_AS_HELP,
		    "\"%s\" behind %s is no address", o->argv[o->plain[1]],
		    o->option);
	return HL_OK;
}

static void
name_license(hl_argv_use *u, const struct operands *o, int nth)
{
	if (nth >= o->n_plain)
		return;
	u->license_at = o->plain[nth];
	u->license = o->argv[u->license_at];
}

static void
name_tfa(hl_argv_use *u, const struct operands *o, int nth)
{
	if (nth >= o->n_plain)
		return;
	u->tfa_at = o->plain[nth];
	u->tfa = o->argv[u->tfa_at];
}

/* -ssp FILE TFA hsm=0 LICENSE; where one is missing, hsm= lies between. */
static void
name_ssp(hl_argv_use *u, const struct operands *o)
{
	const bool no_tfa =
	    o->n_plain == 2 && u->hsm_at >= 0 && o->plain[1] > u->hsm_at;

	if (u->hsm || !no_tfa)
		name_tfa(u, o, 1);
	if (!u->hsm)
		name_license(u, o, no_tfa ? 1 : 2);
}

static void
name_operands(hl_argv_use *u, const struct operands *o)
{
	const int file = u->kind == HL_ARGV_LICENSE_FROM_CERT ? 1 : 0;
	const int address = u->hsm ? 1 : 2;

	u->file_at = o->plain[file];
	u->file = o->argv[u->file_at];
	if (file == 1)
		u->certificate = o->argv[o->plain[0]];
	else if (u->kind == HL_ARGV_GET_LICENSE)
		name_tfa(u, o, 1);
	else if (u->kind == HL_ARGV_SSP)
		name_ssp(u, o);
	else if (!u->hsm)
		name_license(u, o, 1);
	if (u->kind == HL_ARGV_MODULE && address < o->n_plain)
		u->address_at = o->plain[address];
}

static hl_rc
check_files(const hl_argv_use *u, const struct operands *o, hl_err *err)
{
	const int least = u->kind == HL_ARGV_LICENSE_FROM_CERT ? 2 : 1;
	hl_rc rc;

	if (o->n_plain >= least)
		return HL_OK;
	rc = hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT, HL_ARGV_AS_HELP,
	    "no file is named behind %s", o->option);
	if (least == 2)
		hl_err_hint(err, "it is %s CERTIFICATE LICENSE", o->option);
	else if (u->hsm_at >= 0)
		hl_err_hint(err,
		    "it is %s FILE hsm=%d; a second %s between the two, as in "
		    "AN5054 3.2.1, is a misprint",
		    o->option, u->hsm, o->option);
	return rc;
}

static hl_rc
finish(hl_argv_use *u, const struct operands *o, hl_err *err)
{
	hl_rc rc;

	if ((rc = check_files(u, o, err)) != HL_OK)
		return rc;
	if (u->hsm) {
		if ((rc = check_protocol(u, o, err)) != HL_OK ||
		    (rc = check_slot(u, o, err)) != HL_OK ||
		    (rc = check_count(u, o, err)) != HL_OK)
			return rc;
	} else if (u->slot_at >= 0 && u->hsm_at < 0) {
		return hl_fail(err, HL_EUSAGE, HL_ARGV_WHAT,
		    "add hsm=1 for the card, or take slot= away",
		    "slot= stands behind %s without hsm=1", o->option);
	}
	name_operands(u, o);
	return HL_OK;
}

hl_rc
hl_argv_use_parse(
    hl_argv_use *u, int first, int last, char *const *argv, hl_err *err)
{
	struct operands o = { .argv = argv, .option = argv[first] };
	hl_rc rc;

	*u = (hl_argv_use){ .kind = u->kind,
		.first = first,
		.last = last,
		.hsm_at = -1,
		.slot_at = -1,
		.protocol_at = -1,
		.file_at = -1,
		.tfa_at = -1,
		.license_at = -1,
		.address_at = -1,
		.slot = 1 };
	u->hsm = gets_license(u);
	for (int i = first + 1; i <= last; i++)
		if ((rc = take_word(u, &o, i, err)) != HL_OK)
			return rc;
	return finish(u, &o, err);
}
