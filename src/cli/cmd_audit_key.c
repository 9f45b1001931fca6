/* SPDX-License-Identifier: Apache-2.0 */
/* audit key: makes a key, shows what others need to verify with it. */
#include <string.h>

#include "cli/audit.h"
#include "cli/secret.h"
#include "crypto/p11_uri.h"
#include "ledger/memory.h"

static const char what[] = "show the key";

/* The log's name: what was given, else that of the store, if there is one. */
static hl_rc
find_name(hl_cli *cli, hl_text out, hl_err *err)
{
	const hl_store_options opt = { .read_only = true };
	const char *given = hl_opt(cli, "name");
	hl_store_info info;

	out[0] = '\0';
	if (given != NULL) {
		(void)hl_text_copy(out, HL_TEXT_MAX + 1, given);
		return hl_key_name_check(given, err);
	}
	if (!hl_opt_set(cli, "witness") &&
	    hl_store_open(&cli->store, cli->url, &opt, NULL) == HL_OK &&
	    hl_store_info_get(cli->store, &info, NULL) == HL_OK)
		(void)hl_text_copy(out, HL_TEXT_MAX + 1, info.origin);
	return HL_OK;
}

/* Without a name there is a key all the same, but nothing that names it. */
static hl_rc
make_vkey(hl_cli *cli, const hl_public_key *p, const char *name, hl_vkey *k,
    hl_err *err)
{
	const uint8_t algorithm = hl_opt_set(cli, "witness")
	    ? HL_NOTE_COSIGNATURE
	    : hl_key_log_algorithm(p->type);

	*k = (hl_vkey){ .key = *p };
	return name[0] == '\0' ? HL_OK
			       : hl_vkey_make(k, name, algorithm, p, err);
}

static hl_rc
print_json(hl_cli *cli, const hl_vkey *k, const char *vkey, const char *pem,
    const char *path, hl_err *err)
{
	const bool named = k->name[0] != '\0';

	return hl_print_json(cli,
	    json_pack("{s:o, s:o, s:o, s:s, s:o, s:s}", "path",
		hl_json_any(path), "name", hl_json_text(k->name), "key_id",
		hl_json_hex(k->id, named ? sizeof(k->id) : 0), "type",
		hl_key_type_name(k->key.type), "vkey", hl_json_text(vkey),
		"pem", pem),
	    err);
}

static void
print_text(hl_cli *cli, const hl_vkey *k, const char *vkey, const char *pem,
    const char *path)
{
	hl_fact("key", "%s", path);
	hl_fact("type", "%s", hl_key_type_name(k->key.type));
	if (k->name[0] != '\0') {
		hl_fact("name", "%s", k->name);
		hl_fact_hex("id", k->id, sizeof(k->id));
		(void)printf("\n%s\n", vkey); /* to be copied whole */
	}
	(void)printf("\n%s", pem);
	if (k->name[0] == '\0')
		hl_message(cli,
		    "for the key as verifiers take it, add --name: the origin "
		    "of the log, or what the witness is called");
}

static hl_rc
print_key(hl_cli *cli, const hl_vkey *k, const char *path, hl_err *err)
{
	hl_buf pem = HL_BUF_INIT, vkey = HL_BUF_INIT;
	hl_rc rc = hl_public_pem(&k->key, &pem, err);

	if (rc == HL_OK && k->name[0] != '\0')
		rc = hl_vkey_text(k, &vkey, err);
	if (rc == HL_OK && cli->json)
		rc = print_json(
		    cli, k, hl_buf_str(&vkey), hl_buf_str(&pem), path, err);
	else if (rc == HL_OK)
		print_text(cli, k, hl_buf_str(&vkey), hl_buf_str(&pem), path);
	hl_buf_free(&pem);
	hl_buf_free(&vkey);
	return rc;
}

static hl_rc
show(hl_cli *cli, const char *key, const char *name, const hl_pin_source *pin,
    hl_err *err)
{
	hl_signer *s = NULL;
	hl_vkey k;
	hl_rc rc;

	rc = hl_signer_open(&s, key, hl_opt(cli, "module"), pin, err);
	if (rc == HL_OK)
		rc = make_vkey(cli, hl_signer_public(s), name, &k, err);
	hl_signer_close(&s);
	return rc == HL_OK ? print_key(cli, &k, key, err) : rc;
}

/* ---- a new one ---------------------------------------------------------- */

/* The passphrase of the key that was just made need not be asked for again. */
typedef struct kept_pin {
	hl_pin_source source;
	const hl_pin_source *from;
	bool reply;
	char last[HL_PIN_SIZE]; /* secret */
} kept_pin;

static hl_rc
ask_kept(void *arg, const char *what_for, bool last_try, char *buf, size_t size,
    hl_err *err)
{
	kept_pin *k = arg;
	hl_rc rc;

	if (!k->reply) {
		rc = k->from->ask(
		    k->from->arg, what_for, last_try, buf, size, err);
		if (rc == HL_OK)
			(void)hl_text_copy(k->last, sizeof(k->last), buf);
		return rc;
	}
	(void)hl_text_copy(buf, size, k->last);
	return HL_OK;
}

static hl_rc
key_type(hl_cli *cli, hl_key_type *out, hl_err *err)
{
	const char *type = hl_opt(cli, "type");

	*out = HL_KEY_ED25519;
	if (type == NULL || strcmp(type, "ed25519") == 0)
		return HL_OK;
	*out = HL_KEY_P256;
	if (strcmp(type, "p256") == 0)
		return HL_OK;
	return hl_fail(err, HL_EUSAGE, "make a key",
	    "write --type ed25519 or --type p256",
	    "there is no type \"%s\" of keys", type);
}

/* To people alone: scripts have read the manual. */
static void
tell_next(hl_cli *cli, const char *path)
{
	hl_message(cli,
	    "give the public key, best the line of its verifier key, to your "
	    "auditors, by a way of its own");
	hl_message(cli,
	    "at the first signature %s%s appears beside it: it belongs into "
	    "the same backups",
	    path, HL_MEMORY_SUFFIX);
}

static hl_rc
make_new(hl_cli *cli, const char *path, const char *name,
    const hl_pin_source *from, hl_err *err)
{
	const bool encrypt = hl_opt_set(cli, "encrypt");
	kept_pin k = { { ask_kept, &k, false }, from, false, "" };
	hl_key_type type;
	hl_rc rc;

	if ((rc = key_type(cli, &type, err)) != HL_OK)
		return rc;
	if (cli->dry_run) {
		hl_message(cli, "would make the key %s", path);
		return HL_OK;
	}
	rc = hl_signer_generate(path, type, encrypt ? &k.source : NULL, err);
	k.reply = true;
	if (rc == HL_OK)
		rc = show(cli, path, name, &k.source, err);
	if (rc == HL_OK)
		tell_next(cli, path);
	explicit_bzero(&k, sizeof(k));
	return rc;
}

/* Under that name a file would be made, and nobody would look for it there. */
static hl_rc
refuse_token(hl_err *err)
{
	return hl_fail(err, HL_EUSAGE, "make a key",
	    "pkcs11-tool --module MODULE --login --keypairgen --key-type "
	    "EC:prime256v1 --label NAME makes one there; then: hsmlic audit "
	    "key show \"pkcs11:token=TOKEN;object=NAME\"",
	    "keys on a token are not made here");
}

hl_rc
hl_cmd_audit_key(hl_cli *cli, char **operands, hl_err *err)
{
	const bool last_try = hl_opt_set(cli, "last-pin-try");
	const char *action = operands[0], *key = operands[1];
	hl_secret secret;
	hl_text name;
	hl_rc rc;

	if (strcmp(action, "new") != 0 && strcmp(action, "show") != 0)
		return hl_fail(err, HL_EUSAGE, what,
		    "write hsmlic audit key new FILE, or audit key show FILE "
		    "or audit key show pkcs11:...",
		    "\"%s\" is neither new nor show", action);
	if (strcmp(action, "new") == 0 && hl_p11_uri_is(key))
		return refuse_token(err);
	if ((rc = find_name(cli, name, err)) != HL_OK ||
	    (rc = hl_secret_init(&secret, hl_opt(cli, "pin"), last_try, err)) !=
		HL_OK)
		return rc;
	rc = strcmp(action, "new") == 0
	    ? make_new(cli, key, name, &secret.source, err)
	    : show(cli, key, name, &secret.source, err);
	hl_secret_free(&secret);
	return rc;
}
