/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed notes and the keys that verify them (C2SP signed-note): a text, a
 * blank line, and a line for each signature,
 *
 *     — <key name> <base64 of the 4-byte key ID and the signature>
 *
 * What is signed is the text with its last line feed, without the blank line.
 */
#ifndef HL_LEDGER_NOTE_H
#define HL_LEDGER_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/sign.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/text.h"

#define HL_NOTE_MAX 65536    /* bytes of a whole note */
#define HL_NOTE_SIGS_MAX 64  /* signature lines; C2SP: at least 16 */
#define HL_NOTE_LINE_MAX 8192 /* bytes of one, with its line feed */

#define HL_KEY_NAME_MAX HL_TEXT_MAX
#define HL_KEY_ID_LEN 4

/* Signature types of C2SP signed-note. All others are ignored in notes. */
#define HL_NOTE_ED25519 0x01	 /* Ed25519 over the text */
#define HL_NOTE_ECDSA 0x02	 /* P-256 with SHA-256 over it, DER */
#define HL_NOTE_COSIGNATURE 0x04 /* Ed25519 of a witness, with its time */

typedef struct hl_vkey {
	char name[HL_KEY_NAME_MAX + 1];
	uint8_t id[HL_KEY_ID_LEN];
	uint8_t algorithm; /* one of the above */
	hl_public_key key;
} hl_vkey;

/*
 * A key name: 1 to HL_KEY_NAME_MAX bytes of UTF-8 without Unicode's spaces, '+'
 * and control characters. HL_EINPUT.
 */
HL_CHECK hl_rc hl_key_name_check(const char *name, hl_err *err);

/*
 * The key ID is SHA-256(name || 0x0A || algorithm || key)[:4] with the 32 bytes
 * of an Ed25519 key; for ECDSA it is SHA-256(SubjectPublicKeyInfo)[:4], whatever
 * the name. HL_EINPUT: bad name, or the algorithm is not one for such a key.
 */
HL_CHECK hl_rc hl_vkey_make(hl_vkey *out, const char *name, uint8_t algorithm,
    const hl_public_key *key, hl_err *err);
/*
 * Appends "<name>+<key ID, 8 lower-case hex digits>+<base64 of the algorithm's
 * byte and the key>". For ECDSA the key is the DER SubjectPublicKeyInfo, as in
 * the published keys of Rekor; Go's sumdb package knows no such keys.
 */
HL_CHECK hl_rc hl_vkey_text(const hl_vkey *k, hl_buf *out, hl_err *err);
/*
 * Takes exactly what hl_vkey_text() writes, and only if the key ID belongs to
 * the rest. HL_EINPUT.
 */
HL_CHECK hl_rc hl_vkey_parse(const char *text, hl_vkey *out, hl_err *err);

/* One signature line. The pointers lead into the note's bytes. */
typedef struct hl_note_sig {
	const char *name;
	size_t name_n;
	uint8_t id[HL_KEY_ID_LEN];
	const char *base64; /* of the ID and the signature */
	size_t base64_n;
} hl_note_sig;

/* Borrows the bytes that it was parsed from. */
typedef struct hl_note {
	const char *text; /* with its last line feed */
	size_t text_n;
	size_t sigs_n; /* 1 to HL_NOTE_SIGS_MAX */
	hl_note_sig sigs[HL_NOTE_SIGS_MAX];
} hl_note;

/*
 * Strict: UTF-8 without control characters but the line feed, a blank line, at
 * least one signature line, a line feed at the end, canonical base64. Lines of
 * unknown keys have to be well-formed, too; the same line twice is refused.
 * HL_EINPUT, which names the line.
 */
HL_CHECK hl_rc hl_note_parse(
    const void *p, size_t n, hl_note *out, hl_err *err);

/*
 * Verifies every line whose name and key ID are those of one of the keys; all
 * others are ignored, as C2SP demands. HL_EINTEGRITY: such a line does not
 * verify (one bad line spoils the note, also where the same key has a good one),
 * or there is none.
 *
 * verified[i] (or NULL): whether there is a signature of keys[i]; so HL_OK means
 * that at least one of them is true, and the caller says which it demands.
 * times[i] (or NULL): for a witness the time of its cosignature, the latest
 * when it has several, in seconds since 1970; else 0. Whether that lies in the
 * future is the caller's to judge. On failure all are false and 0.
 */
HL_CHECK hl_rc hl_note_verify(const hl_note *n, const hl_vkey *keys,
    size_t keys_n, bool *verified, uint64_t *times, hl_err *err);

/*
 * Appends a signature of `text` to the note in *note, which is made of the text
 * if it is empty and otherwise has to be a note of that very text. A line that
 * is there already is not added again. For HL_NOTE_COSIGNATURE `time_s` goes
 * into the signature; it is 0 for the others. The signature is verified before
 * it is given out. On failure *note is as before. HL_EINPUT: bad name or text,
 * an algorithm that is not one for the key, no room for another line;
 * HL_ECONFLICT: the note's text is another one; and what hl_signer_sign() says.
 */
HL_CHECK hl_rc hl_note_sign(hl_buf *note, const void *text, size_t text_n,
    const char *name, uint8_t algorithm, uint64_t time_s, hl_signer *s,
    hl_err *err);

/*
 * Appends the signature lines of the note `more` that *note lacks; an empty
 * *note becomes it. On failure *note is as before. HL_EINPUT: one of them is no
 * note, or there is no room for so many lines; HL_ECONFLICT: they are of
 * different texts.
 */
HL_CHECK hl_rc hl_note_join(
    hl_buf *note, const void *more, size_t more_n, hl_err *err);

#endif
