/* SPDX-License-Identifier: Apache-2.0 */
/* license retire, doubt, trust: what people decide about licenses. */
#include <string.h>

#include "cli/parts.h"

/* One of these commands. */
struct decision {
	const char *verb, *what;
	const char *now;       /* what the license is after it */
	hl_license_state from; /* which one of a chip is meant */
	hl_rc (*check)(
	    hl_cli *cli, const hl_license *l, const char *chip, hl_err *err);
	/* What a person has to agree to; NULL: nothing is asked. */
	void (*question)(
	    const hl_license *l, const char *chip, char *out, size_t size);
	hl_rc (*decide)(hl_store *store, const hl_uuid *license,
	    const char *reason, const hl_actor *actor, hl_err *err);
};

static hl_rc
read_reason(
    hl_cli *cli, const struct decision *d, const char **out, hl_err *err)
{
	*out = hl_opt(cli, "reason");
	if (*out == NULL)
		return hl_fail(err, HL_EUSAGE, d->what,
		    "say why: --reason TEXT", "no reason is given");
	return hl_text_check("reason", *out, false, err);
}

/* Asks, where there is something to agree to, and does it. */
static hl_rc
carry_out(hl_cli *cli, const struct decision *d, hl_license *l,
    const char *chip, const char *reason, hl_err *err)
{
	char question[2 * HL_TEXT_MAX + HL_CHIP_NAME + 200];
	hl_rc rc = HL_OK;

	if (d->question != NULL) {
		d->question(l, chip, question, sizeof(question));
		rc = hl_ask(cli, question, err);
	}
	if (rc == HL_OK)
		rc = d->decide(cli->store, &l->id, reason, &cli->actor, err);
	if (rc == HL_OK)
		rc = hl_store_license_by_id(cli->store, &l->id, l, err);
	return rc;
}

static hl_rc
print_json(hl_cli *cli, const hl_license *l, hl_err *err)
{
	json_t *o = hl_json_license(l);

	if (o != NULL &&
	    json_object_set_new(o, "dry_run", json_boolean(cli->dry_run)) !=
		0) {
		json_decref(o);
		o = NULL;
	}
	return hl_print_json(cli, o, err);
}

static hl_rc
run(hl_cli *cli, const struct decision *d, const char *operand, hl_err *err)
{
	char chip[HL_CHIP_NAME];
	const char *reason;
	hl_license l;
	hl_rc rc;

	if ((rc = read_reason(cli, d, &reason, err)) != HL_OK ||
	    (rc = hl_license_operand_in(cli, operand, d->from, &l, err)) !=
		HL_OK)
		return rc;
	hl_chip_name(&l.uid, l.has_cert, l.cert_sha256, chip);
	if ((rc = d->check(cli, &l, chip, err)) != HL_OK)
		return rc;
	if (cli->dry_run)
		hl_message(cli,
		    "dry run: would %s the license of chip %s for firmware "
		    "\"%s\"",
		    d->verb, chip, l.firmware_name);
	else if ((rc = carry_out(cli, d, &l, chip, reason, err)) != HL_OK)
		return rc;
	if (cli->json)
		return print_json(cli, &l, err);
	if (!cli->dry_run)
		(void)printf(
		    "the license of chip %s for firmware \"%s\" is %s\n", chip,
		    l.firmware_name, d->now);
	return HL_OK;
}

/* ---- retire ------------------------------------------------------------- */

static hl_rc
check_retire(hl_cli *cli, const hl_license *l, const char *chip, hl_err *err)
{
	(void)cli;
	if (l->state != HL_LICENSE_RETIRED)
		return HL_OK;
	return hl_fail(err, HL_ECONFLICT, "retire the license",
	    "nothing is left to do; see: hsmlic license list --all",
	    "this license of chip %s is retired already", chip);
}

static void
ask_retire(const hl_license *l, const char *chip, char *out, size_t size)
{
	(void)snprintf(out, size,
	    "retire the %s license of chip %s for firmware \"%s\" for ever "
	    "(it is never handed out again, and a new one costs a unit)",
	    hl_license_state_name(l->state), chip, l->firmware_name);
}

hl_rc
hl_cmd_license_retire(hl_cli *cli, char **operands, hl_err *err)
{
	static const struct decision d = { "retire", "retire the license",
		"retired", HL_LICENSE_ACTIVE, check_retire, ask_retire,
		hl_store_license_retire };

	return run(cli, &d, operands[0], err);
}

/* ---- doubt -------------------------------------------------------------- */

static hl_rc
check_doubt(hl_cli *cli, const hl_license *l, const char *chip, hl_err *err)
{
	(void)cli;
	if (l->state == HL_LICENSE_ACTIVE)
		return HL_OK;
	return hl_fail(err, HL_ECONFLICT, "doubt the license",
	    "nothing is left to do: only active ones are handed out",
	    "this license of chip %s is %s", chip,
	    hl_license_state_name(l->state));
}

/* Nothing is asked: it can be taken back, and a get asks before it spends. */
hl_rc
hl_cmd_license_doubt(hl_cli *cli, char **operands, hl_err *err)
{
	static const struct decision d = { "doubt", "doubt the license",
		"suspect, and is not handed out until it is trusted again",
		HL_LICENSE_ACTIVE, check_doubt, NULL, hl_store_license_doubt };

	return run(cli, &d, operands[0], err);
}

/* ---- trust -------------------------------------------------------------- */

static hl_rc
check_trust(hl_cli *cli, const hl_license *l, const char *chip, hl_err *err)
{
	hl_license other;
	hl_rc rc;

	if (l->state != HL_LICENSE_SUSPECT)
		return hl_fail(err, HL_ECONFLICT, "trust the license",
		    l->state == HL_LICENSE_ACTIVE
			? "nothing is left to do: it is handed out"
			: "what is retired stays so; get or import another one",
		    "this license of chip %s is %s, not suspect", chip,
		    hl_license_state_name(l->state));
	rc = hl_store_license_find(
	    cli->store, &l->chip, &l->firmware, &other, err);
	if (rc != HL_OK)
		return rc == HL_ENOTFOUND ? HL_OK : rc;
	return hl_fail(err, HL_ECONFLICT, "trust the license",
	    "use that one; doubt or retire it first if it does not work",
	    "chip %s has another active license for firmware \"%s\" by now",
	    chip, l->firmware_name);
}

static void
ask_trust(const hl_license *l, const char *chip, char *out, size_t size)
{
	(void)snprintf(out, size,
	    "hand out the suspect license of chip %s for firmware \"%s\" again "
	    "(it is suspect%s%s; whether it is right is for you to say, "
	    "nothing "
	    "here can check it)",
	    chip, l->firmware_name, l->reason[0] != '\0' ? ": " : "",
	    l->reason);
}

hl_rc
hl_cmd_license_trust(hl_cli *cli, char **operands, hl_err *err)
{
	static const struct decision d = { "trust", "trust the license",
		"active again: somebody decided so, nothing was checked",
		HL_LICENSE_SUSPECT, check_trust, ask_trust,
		hl_store_license_trust };

	return run(cli, &d, operands[0], err);
}
