/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of notes share. */
#ifndef HL_LEDGER_NOTE_INT_H
#define HL_LEDGER_NOTE_INT_H

#include "ledger/note.h"

/* U+2014 and a blank; a hyphen is what editors and mail make of it. */
#define HL_NOTE_DASH "\xe2\x80\x94 "

#define HL_NOTE_ED25519_SIG 64
#define HL_NOTE_COSIG_TIME 8
#define HL_NOTE_COSIG_SIG (HL_NOTE_COSIG_TIME + HL_NOTE_ED25519_SIG)

bool hl_key_name_valid(const char *s, size_t n);

/* Appends the line's key ID and signature. False: no base64, or too short. */
bool hl_note_sig_bytes(const hl_note_sig *line, hl_buf *sig);

#endif
