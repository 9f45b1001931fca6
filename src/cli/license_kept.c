/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/license_kept.h"

#include <stdlib.h>
#include <string.h>

#include "util/hex.h"

struct hl_kept {
	const uint8_t *only; /* while loading */
	hl_kept_row *rows;
	size_t n, cap;
	json_t *first; /* by hash in hex: index + 1 */
	bool failed;   /* no memory */
};

static void
key_of(const uint8_t sha256[HL_SHA256_LEN], char out[2 * HL_SHA256_LEN + 1])
{
	hl_hex_lower(out, sha256, HL_SHA256_LEN);
}

static bool
grow(hl_kept *k)
{
	const size_t cap = k->cap == 0 ? 64 : 2 * k->cap;
	hl_kept_row *grown;

	if (k->n < k->cap)
		return true;
	grown = reallocarray(k->rows, cap, sizeof(*grown));
	if (grown == NULL)
		return false;
	k->rows = grown;
	k->cap = cap;
	return true;
}

static bool
keep(void *arg, const hl_license *l)
{
	static const hl_uuid none = { { 0 } };
	char key[2 * HL_SHA256_LEN + 1];
	hl_kept *k = arg;
	hl_kept_row *row;

	if (k->only != NULL && memcmp(k->only, l->sha256, HL_SHA256_LEN) != 0)
		return true;
	if (!grow(k)) {
		k->failed = true;
		return false;
	}
	key_of(l->sha256, key);
	row = &k->rows[k->n++];
	*row = (hl_kept_row){ .id = l->id,
		.chip = l->chip,
		.firmware = l->firmware,
		.state = l->state,
		.from_card = !hl_uuid_equal(&l->issue, &none),
		.next = (size_t)json_integer_value(
		    json_object_get(k->first, key)) };
	memcpy(row->sha256, l->sha256, HL_SHA256_LEN);
	k->failed = json_object_set_new(
			k->first, key, json_integer((json_int_t)k->n)) != 0;
	return !k->failed;
}

hl_rc
hl_kept_load(hl_kept **out, hl_store *store, const uint8_t *only, hl_err *err)
{
	const hl_license_filter all = { NULL, NULL, true };
	hl_kept *k = calloc(1, sizeof(*k));
	hl_rc rc;

	*out = NULL;
	if (k == NULL)
		return hl_nomem(err);
	k->only = only;
	k->first = json_object();
	rc = hl_store_license_list(store, &all, keep, k, err);
	k->only = NULL;
	if (rc == HL_OK && (k->failed || k->first == NULL))
		rc = hl_nomem(err);
	if (rc == HL_OK)
		*out = k;
	else
		hl_kept_free(&k);
	return rc;
}

void
hl_kept_free(hl_kept **kept)
{
	if (*kept == NULL)
		return;
	json_decref((*kept)->first);
	free((*kept)->rows);
	free(*kept);
	*kept = NULL;
}

hl_rc
hl_kept_add(hl_kept *kept, const hl_license *l, hl_err *err)
{
	return keep(kept, l) ? HL_OK : hl_nomem(err);
}

const hl_kept_row *
hl_kept_find(const hl_kept *kept, const uint8_t sha256[HL_SHA256_LEN])
{
	char key[2 * HL_SHA256_LEN + 1];
	json_int_t at;

	key_of(sha256, key);
	at = json_integer_value(json_object_get(kept->first, key));
	return at == 0 ? NULL : &kept->rows[at - 1];
}

const hl_kept_row *
hl_kept_next(const hl_kept *kept, const hl_kept_row *row)
{
	return row->next == 0 ? NULL : &kept->rows[row->next - 1];
}
