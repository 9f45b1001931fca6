/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the module's tokens a URI means. */
#include <stdlib.h>
#include <string.h>

#include "crypto/p11.h"
#include "util/text.h"

#define SLOTS_MAX 1024
#define NAMED_MAX 6 /* tokens that a message lists */

/* RFC 7512, 2.5: fields are padded with blanks, which do not count. */
static bool
field_is(const hl_p11_value *v, const unsigned char *field, size_t n)
{
	size_t want = v->n;

	if (!v->given)
		return true;
	while (want > 0 && v->s[want - 1] == ' ')
		want--;
	while (n > 0 && (field[n - 1] == ' ' || field[n - 1] == '\0'))
		n--;
	return n == want && memcmp(v->s, field, n) == 0;
}

#define FIELD_IS(v, field) field_is(&(v), (field), sizeof(field))

hl_rc
hl_p11_check_library(const hl_p11 *p, const hl_p11_uri *uri, hl_err *err)
{
	CK_INFO info = { .flags = 0 };
	char vendor[64], name[64];
	CK_RV rv = p->f->C_GetInfo(&info);

	if (rv != CKR_OK)
		return hl_p11_fail(p, rv, "get ready for", err);
	if (FIELD_IS(uri->library_manufacturer, info.manufacturerID) &&
	    FIELD_IS(uri->library_description, info.libraryDescription) &&
	    (!uri->has_library_version ||
		(uri->library_major == info.libraryVersion.major &&
		    uri->library_minor == info.libraryVersion.minor)))
		return HL_OK;
	hl_p11_text(vendor, sizeof(vendor), info.manufacturerID,
	    sizeof(info.manufacturerID));
	hl_p11_text(name, sizeof(name), info.libraryDescription,
	    sizeof(info.libraryDescription));
	hl_fail(err, HL_ENODEV, "find the token",
	    "name another module, or take the library attributes out of the "
	    "URI",
	    "the URI names another module than %s, which is \"%s\" of \"%s\", "
	    "version %u.%u",
	    p->module, name, vendor, info.libraryVersion.major,
	    info.libraryVersion.minor);
	return HL_ENODEV;
}

/* As a URI that finds it again. */
static void
describe(const CK_TOKEN_INFO *info, hl_buf *out)
{
	char label[64], serial[32];

	hl_p11_text(label, sizeof(label), info->label, sizeof(info->label));
	hl_p11_text(serial, sizeof(serial), info->serialNumber,
	    sizeof(info->serialNumber));
	hl_buf_printf(out, "%spkcs11:", out->n > 0 ? " " : "");
	hl_p11_uri_put(out, "token", label, strlen(label));
	hl_buf_u8(out, ';');
	hl_p11_uri_put(out, "serial", serial, strlen(serial));
}

static bool
slot_fits(const hl_p11 *p, const hl_p11_uri *uri, CK_SLOT_ID slot)
{
	CK_SLOT_INFO info = { .flags = 0 };

	if (uri->has_slot_id && uri->slot_id != slot)
		return false;
	if (!uri->slot_description.given && !uri->slot_manufacturer.given)
		return true;
	return p->f->C_GetSlotInfo(slot, &info) == CKR_OK &&
	    FIELD_IS(uri->slot_description, info.slotDescription) &&
	    FIELD_IS(uri->slot_manufacturer, info.manufacturerID);
}

static bool
token_fits(const hl_p11_uri *uri, const CK_TOKEN_INFO *info)
{
	return FIELD_IS(uri->token, info->label) &&
	    FIELD_IS(uri->manufacturer, info->manufacturerID) &&
	    FIELD_IS(uri->serial, info->serialNumber) &&
	    FIELD_IS(uri->model, info->model);
}

/* What a look at all slots has found. */
typedef struct search {
	size_t there, fit;
	hl_buf there_names, fit_names;
} search;

static void
look(hl_p11 *p, const hl_p11_uri *uri, CK_SLOT_ID slot, search *s)
{
	CK_TOKEN_INFO info = { .flags = 0 };

	/* An empty reader, or a card that the module does not know. */
	if (p->f->C_GetTokenInfo(slot, &info) != CKR_OK ||
	    (info.flags & CKF_TOKEN_INITIALIZED) == 0)
		return;
	if (s->there++ < NAMED_MAX)
		describe(&info, &s->there_names);
	if (!slot_fits(p, uri, slot) || !token_fits(uri, &info))
		return;
	if (s->fit++ < NAMED_MAX)
		describe(&info, &s->fit_names);
	p->slot = slot;
	p->info = info;
}

/* Slots with a token, for free(). They may become more between the calls. */
static CK_RV
list_slots(hl_p11 *p, CK_SLOT_ID **out, CK_ULONG *n)
{
	CK_RV rv;

	*out = NULL;
	do {
		free(*out);
		*out = NULL;
		rv = p->f->C_GetSlotList(CK_TRUE, NULL, n);
		if (rv != CKR_OK || *n == 0)
			return rv;
		if (*n > SLOTS_MAX)
			*n = SLOTS_MAX;
		if ((*out = calloc(*n, sizeof(**out))) == NULL)
			return CKR_HOST_MEMORY;
		rv = p->f->C_GetSlotList(CK_TRUE, *out, n);
	} while (rv == CKR_BUFFER_TOO_SMALL);
	return rv;
}

static hl_rc
judge(const hl_p11 *p, search *s, hl_err *err)
{
	if (s->fit == 1)
		return HL_OK;
	if (s->fit > 1) {
		hl_fail(err, HL_ECONFLICT, "find the token",
		    "add serial=... to the URI, so that it means one of them",
		    "%zu tokens fit the URI: %s", s->fit,
		    hl_buf_str(&s->fit_names));
		return HL_ECONFLICT;
	}
	if (s->there == 0)
		return hl_fail(err, HL_ENODEV, "find the token",
		    "is it in its reader, and is pcscd running? "
		    "pkcs11-tool --module MODULE -L lists what is there",
		    "%s sees no token", p->module);
	hl_fail(err, HL_ENODEV, "find the token", "", "no token fits the URI");
	hl_err_hint(err, "these are there: %s", hl_buf_str(&s->there_names));
	return HL_ENODEV;
}

static hl_rc
open_session(hl_p11 *p, hl_err *err)
{
	CK_RV rv;

	hl_p11_text(
	    p->name, sizeof(p->name), p->info.label, sizeof(p->info.label));
	rv = p->f->C_OpenSession(
	    p->slot, CKF_SERIAL_SESSION, NULL, NULL, &p->session);
	if (rv != CKR_OK)
		return hl_p11_fail(p, rv, "open a session on", err);
	p->has_session = true;
	return HL_OK;
}

hl_rc
hl_p11_find_token(hl_p11 *p, const hl_p11_uri *uri, hl_err *err)
{
	search s = { .there = 0 };
	CK_SLOT_ID *slots = NULL;
	CK_ULONG n = 0;
	CK_RV rv;
	hl_rc rc;

	rv = list_slots(p, &slots, &n);
	for (CK_ULONG i = 0; rv == CKR_OK && i < n; i++)
		look(p, uri, slots[i], &s);
	free(slots);
	rc = rv == CKR_OK ? judge(p, &s, err)
			  : hl_p11_fail(p, rv, "look for", err);
	hl_buf_free(&s.there_names);
	hl_buf_free(&s.fit_names);
	return rc == HL_OK ? open_session(p, err) : rc;
}
