/* SPDX-License-Identifier: Apache-2.0 */
/* What the signer of a log and a witness share: memories, and files that are
 * replaced by nothing but a later checkpoint. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/audit.h"
#include "crypto/hash.h"
#include "crypto/p11_uri.h"
#include "ledger/memory.h"
#include "util/file.h"
#include "util/hex.h"

/* ---- the memory --------------------------------------------------------- */

static hl_rc
state_dir(char *out, size_t size, hl_err *err)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (state != NULL && state[0] == '/')
		return hl_path(out, size, err, "%s/hsmlic/signers", state);
	if (home != NULL && home[0] == '/')
		return hl_path(
		    out, size, err, "%s/.local/state/hsmlic/signers", home);
	return hl_fail(err, HL_EUSAGE, "find the signer's memory",
	    "give --memory FILE", "neither XDG_STATE_HOME nor HOME is set");
}

/* Named by the key itself: URIs can say the same thing in many ways. */
static hl_rc
token_memory(const hl_signer *s, char *out, size_t size, hl_err *err)
{
	const hl_public_key *k = hl_signer_public(s);
	char dir[PATH_MAX], id[2 * HL_SHA256_LEN + 1];
	uint8_t sha256[HL_SHA256_LEN];
	hl_rc rc;

	if ((rc = state_dir(dir, sizeof(dir), err)) != HL_OK ||
	    (rc = hl_dir_make(dir, err)) != HL_OK ||
	    (rc = hl_sha256(k->raw, k->raw_n, sha256, err)) != HL_OK)
		return rc;
	hl_hex_lower(id, sha256, sizeof(sha256));
	return hl_path(out, size, err, "%s/%s%s", dir, id, HL_MEMORY_SUFFIX);
}

hl_rc
hl_signer_memory(const char *key, const char *given, const hl_signer *s,
    char *out, size_t size, hl_err *err)
{
	char real[PATH_MAX];

	if (given != NULL)
		return hl_path(out, size, err, "%s", given);
	if (hl_signer_on_token(s))
		return token_memory(s, out, size, err);
	/* one memory, by whatever name the key goes */
	if (realpath(key, real) == NULL)
		return hl_fail(err, HL_EIO, "find the signing key", "",
		    "%s: %s", key, strerror(errno));
	return hl_path(out, size, err, "%s%s", real, HL_MEMORY_SUFFIX);
}

/* ---- the file that is written ------------------------------------------- */

static hl_rc
may_replace(const char *path, const hl_checkpoint *was, const hl_checkpoint *c,
    hl_err *err)
{
	static const char hint[] = "choose another name";

	if (strcmp(was->origin, c->origin) != 0)
		return hl_fail(err, HL_EEXIST, "write the checkpoint", hint,
		    "%s is a checkpoint of another log, of \"%s\"", path,
		    was->origin);
	if (was->size == c->size && !hl_hash_equal(&was->root, &c->root))
		return hl_fail(err, HL_EINTEGRITY, "write the checkpoint",
		    "keep both: two signed trees of one size show that the "
		    "log was rewritten or forked; choose another name",
		    "%s is of another tree with as many events, %" PRIu64, path,
		    was->size);
	if (was->size <= c->size)
		return HL_OK;
	return hl_fail(err, HL_EEXIST, "write the checkpoint", hint,
	    "%s is a later checkpoint: of %" PRIu64 " events, this one of "
	    "%" PRIu64,
	    path, was->size, c->size);
}

hl_rc
hl_audit_output_check(hl_cli *cli, const char *path, hl_err *err)
{
	hl_rc rc = hl_output_check(cli, path, err);

	if (rc != HL_OK)
		hl_err_what(err, "write %s", path);
	return rc == HL_OK ? hl_file_can_write(path, err) : rc;
}

hl_rc
hl_checkpoint_may_write(const char *path, const hl_checkpoint *c, hl_err *err)
{
	hl_checkpoint_file f;
	hl_err why = { 0 };
	hl_rc rc;

	if (path == NULL)
		return HL_OK;
	rc = hl_checkpoint_file_read(path, &f, &why);
	if (rc == HL_OK)
		rc = may_replace(path, &f.c, c, err);
	else if (rc == HL_EINPUT)
		rc = hl_fail(err, HL_EEXIST, "write the checkpoint",
		    "choose another name",
		    "%s is there already, and it is no checkpoint", path);
	else if (rc == HL_ENOTFOUND)
		rc = HL_OK;
	else if (err != NULL)
		*err = why;
	hl_checkpoint_file_free(&f);
	return rc;
}

/* What is there of the same tree keeps the signatures that it has: whoever is
 * to verify with those finds them, and the new ones too. */
static hl_rc
join_there(const char *path, const hl_buf *note, const hl_checkpoint *c,
    hl_buf *out, hl_err *err)
{
	hl_checkpoint_file f;
	hl_rc rc = hl_checkpoint_file_read(path, &f, NULL);

	if (rc == HL_OK && f.c.size == c->size)
		hl_buf_put(out, f.bytes.p, f.bytes.n);
	hl_checkpoint_file_free(&f);
	rc = out->failed ? hl_nomem(err)
			 : hl_note_join(out, note->p, note->n, err);
	if (rc != HL_OK)
		hl_err_what(err, "write the checkpoint %s", path);
	return rc;
}

hl_rc
hl_checkpoint_write(const hl_cli *cli, const char *path, const hl_buf *note,
    const hl_checkpoint *c, hl_err *err)
{
	hl_buf whole = HL_BUF_INIT;
	mode_t ours;
	hl_rc rc;

	if (path == NULL) {
		(void)fwrite(note->p, 1, note->n, stdout);
		return HL_OK;
	}
	if ((rc = hl_checkpoint_may_write(path, c, err)) == HL_OK)
		rc = join_there(path, note, c, &whole, err);
	if (rc == HL_OK) {
		ours = umask(cli->mask);
		rc = hl_file_write(path, whole.p, whole.n, HL_HANDED_ON, err);
		(void)umask(ours);
	}
	hl_buf_free(&whole);
	return rc;
}
