/* SPDX-License-Identifier: Apache-2.0 */
/* Licenses that left a card and did not reach the store by the short way. */
#ifndef HL_BROKER_TAKEBACK_H
#define HL_BROKER_TAKEBACK_H

#include "broker/internal.h"
#include "broker/rescue.h"

/* Closes an open issue with its license; `where` it was goes on record.
 * HL_EINPUT: the license is of another chip. */
HL_CHECK hl_rc hl_take_back_open(hl_broker *b, const hl_rescue *r,
    const hl_actor *actor, const char *where, hl_err *err);

/*
 * All that lies in the spool for issues that are closed. The result: how many
 * licenses are there of issues that this store does not know, because an older
 * copy was put in its place; a note tells of each.
 */
unsigned hl_take_back_spool(hl_broker *b, const hl_actor *actor);

/*
 * How many licenses ST's program wrote when their requests were closed already.
 * Nobody knows whether such a file is whole, so a person decides: a note tells
 * of each. One that the store has by now is removed.
 */
unsigned hl_count_late(hl_broker *b);

#define HL_STRANGE_HINT                                                        \
	"take it back into the store that was put aside (hsmlic recover "      \
	"--store THAT-STORE --import-rescue FILE), export it there and "       \
	"import it here"

/* HL_EDOUBT: the spool holds such a license of the chip with this certificate;
 * another unit would be spent for what is there already. */
HL_CHECK hl_rc hl_refuse_strange(
    hl_broker *b, const uint8_t cert_sha256[HL_SHA256_LEN], hl_err *err);

#endif
