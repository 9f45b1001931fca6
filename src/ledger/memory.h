/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a signing key signed last, for each origin: the signer's own memory. It
 * lies with the key and not in the store, so that a store which was rolled back
 * or rewritten cannot get a signature.
 *
 * It is a text file, replaced whole:
 *
 *     hsmlic signer memory 1
 *     name <name>                                 only of a witness's key
 *     origin <origin>
 *     size <tree size>
 *     root <base64 of the root>
 *     edge <base64 of a full subtree's root>      one for each bit of the size
 *     ...                                         the next origin
 *     sha256 <hex, of all bytes above this line>
 *
 * The last line shows a file that is torn, or was edited without thought. It
 * keeps nobody out who may write the file: whoever can write it can make the
 * line anew, and whoever can remove it makes the key forget. This file has to
 * be guarded like the key itself.
 */
#ifndef HL_LEDGER_MEMORY_H
#define HL_LEDGER_MEMORY_H

#include "ledger/checkpoint.h"
#include "ledger/tree.h"

#define HL_MEMORY_SUFFIX ".memory"    /* beside the key's file */
#define HL_MEMORY_ORIGINS_MAX 1024    /* a witness may watch many logs */
#define HL_MEMORY_MAX (4 * 1024 * 1024) /* bytes of the file */

typedef struct hl_memory hl_memory;

/*
 * Locks and reads it; the lock, a file `path`.lock, is held until it is closed,
 * so that two signers with one key do not race. No file is an empty memory; its
 * folder has to be there. HL_EBUSY: another signer went on holding it for ten
 * seconds; HL_EINTEGRITY: the file is damaged, or was edited; HL_EIO, ...
 */
HL_CHECK hl_rc hl_memory_open(hl_memory **out, const char *path, hl_err *err);
void hl_memory_close(hl_memory **m);

/* The name under which the key cosigns; "": it has not yet. */
const char *hl_memory_name(const hl_memory *m);
/* Remembers it; durable when it returns. HL_EINPUT: it is not the one that is
 * remembered, or none at all; HL_EFULL, HL_EIO. */
HL_CHECK hl_rc hl_memory_put_name(hl_memory *m, const char *name, hl_err *err);
/* The last tree of that origin. False, and an empty tree: none yet. */
bool hl_memory_find(const hl_memory *m, const char *origin, hl_frontier *out);
/*
 * Remembers a tree; durable when it returns. HL_EINTEGRITY: it is smaller than
 * the one that is remembered, or another one of the same size; HL_EINPUT: bad
 * origin, invalid frontier, or too many origins; HL_EFULL, HL_EIO. On failure
 * the old tree goes on being remembered.
 */
HL_CHECK hl_rc hl_memory_put(
    hl_memory *m, const char *origin, const hl_frontier *f, hl_err *err);

#endif
