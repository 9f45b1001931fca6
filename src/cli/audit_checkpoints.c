/* SPDX-License-Identifier: Apache-2.0 */
/* Files with checkpoints, and who signed them. */
#include <stdlib.h>
#include <string.h>

#include "cli/audit.h"
#include "util/file.h"

hl_rc
hl_checkpoint_file_take(
    const char *path, hl_buf *bytes, hl_checkpoint_file *out, hl_err *err)
{
	hl_rc rc;

	memset(out, 0, sizeof(*out));
	out->path = path;
	out->bytes = *bytes;
	*bytes = (hl_buf)HL_BUF_INIT;
	rc = hl_checkpoint_read(
	    out->bytes.p, out->bytes.n, &out->note, &out->c, err);
	if (rc != HL_OK)
		hl_err_what(err, "read the checkpoint %s", path);
	return rc;
}

hl_rc
hl_checkpoint_file_read(const char *path, hl_checkpoint_file *out, hl_err *err)
{
	hl_buf bytes = HL_BUF_INIT;
	hl_rc rc = hl_file_read(path, HL_NOTE_MAX, &bytes, err);

	memset(out, 0, sizeof(*out));
	if (rc == HL_OK)
		return hl_checkpoint_file_take(path, &bytes, out, err);
	hl_buf_free(&bytes);
	hl_err_what(err, "read the checkpoint %s", path);
	return rc;
}

void
hl_checkpoint_file_free(hl_checkpoint_file *f)
{
	hl_buf_free(&f->bytes);
}

hl_rc
hl_checkpoint_file_verify(
    hl_checkpoint_file *f, const char *origin, const hl_keys *keys, hl_err *err)
{
	hl_rc rc;

	if (strcmp(f->c.origin, origin) != 0)
		rc = hl_fail(err, HL_EINPUT, "",
		    "is it the right file, and the right store?",
		    "it is of another log: of \"%s\", not \"%s\"", f->c.origin,
		    origin);
	else
		rc = hl_note_verify(
		    &f->note, keys->k, keys->n, f->verified, f->times, err);
	if (rc != HL_OK && keys->cut && strcmp(f->c.origin, origin) == 0)
		hl_err_hint(err,
		    "the log had more than %d keys, of which the newest were "
		    "tried: give the key of then with --key KEY",
		    HL_KEYS_MAX);
	if (rc != HL_OK)
		hl_err_what(err, "verify the checkpoint %s", f->path);
	return rc;
}

/* ---- all that a command line names -------------------------------------- */

static int
by_size(const void *a, const void *b)
{
	const uint64_t x = ((const hl_checkpoint_file *)a)->c.size;
	const uint64_t y = ((const hl_checkpoint_file *)b)->c.size;

	return (x > y) - (x < y);
}

hl_rc
hl_checkpoint_files_read(hl_cli *cli, const char *option, const char *origin,
    const hl_keys *keys, hl_checkpoint_files *out, hl_err *err)
{
	size_t n = 0;
	hl_rc rc;

	*out = (hl_checkpoint_files){ NULL, 0 };
	while (hl_opt_nth(cli, option, n) != NULL)
		n++;
	if (n == 0)
		return HL_OK;
	if ((out->f = calloc(n, sizeof(*out->f))) == NULL)
		return hl_nomem(err);
	for (size_t i = 0; i < n; i++) {
		hl_checkpoint_file *f = &out->f[out->n++];

		rc =
		    hl_checkpoint_file_read(hl_opt_nth(cli, option, i), f, err);
		if (rc != HL_OK ||
		    (rc = hl_checkpoint_file_verify(f, origin, keys, err)) !=
			HL_OK)
			return rc;
	}
	qsort(out->f, out->n, sizeof(*out->f), by_size);
	return HL_OK;
}

void
hl_checkpoint_files_free(hl_checkpoint_files *l)
{
	for (size_t i = 0; i < l->n; i++)
		hl_checkpoint_file_free(&l->f[i]);
	free(l->f);
	*l = (hl_checkpoint_files){ NULL, 0 };
}

/* ---- who signed them ---------------------------------------------------- */

bool
hl_key_signed(const hl_checkpoint_files *l, size_t key)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->f[i].verified[key])
			return true;
	}
	return false;
}

hl_rc
hl_keys_all_signed(const hl_keys *keys, const hl_checkpoint_files *a,
    const hl_checkpoint_files *b, hl_err *err)
{
	char words[HL_KEY_WORDS];

	for (size_t i = 0; i < keys->n && !keys->own_word; i++) {
		if (hl_key_signed(a, i) || (b != NULL && hl_key_signed(b, i)))
			continue;
		hl_key_words(&keys->k[i], words);
		return hl_fail(err, HL_EINTEGRITY, "verify the checkpoints",
		    "each key that is given has to have signed",
		    "the %s has signed none of them", words);
	}
	return HL_OK;
}

static json_t *
signature_json(const hl_vkey *k, uint64_t time_s)
{
	return json_pack("{s:o, s:o, s:s, s:o}", "name", hl_json_text(k->name),
	    "key_id", hl_json_hex(k->id, sizeof(k->id)), "type",
	    hl_key_type_name(k->key.type), "cosigned_at",
	    hl_json_time((int64_t)(time_s * 1000)));
}

json_t *
hl_json_checkpoint(const hl_checkpoint_file *f, const hl_keys *keys)
{
	json_t *by = json_array();

	for (size_t i = 0; i < keys->n; i++) {
		if (f->verified[i])
			(void)json_array_append_new(
			    by, signature_json(&keys->k[i], f->times[i]));
	}
	return json_pack("{s:o, s:I, s:o, s:o}", "path", hl_json_any(f->path),
	    "size", (json_int_t)f->c.size, "root",
	    hl_json_hex(f->c.root.b, sizeof(f->c.root.b)), "signed_by", by);
}
