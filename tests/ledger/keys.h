/* SPDX-License-Identifier: Apache-2.0 */
/* Keys for the tests of the ledger, and what was signed with them elsewhere. */
#ifndef HL_TESTS_LEDGER_KEYS_H
#define HL_TESTS_LEDGER_KEYS_H

#include "crypto/sign.h"

/* The Ed25519 keys of RFC 8032, 7.1: test 1 is the log's, test 2 the
 * witness's. */
hl_signer *key_rfc8032(int test);
/* A new P-256 key. */
hl_signer *key_p256(void);

/*
 * A tree of three leaves, signed by the log and at 2026-11-24 by the witness.
 * Made by other programs, and verified by Go's sumdb note package and openssl.
 */
#define TV_ORIGIN "ledger.example/card/8949400000001234567"
#define TV_VKEY                                                                \
	TV_ORIGIN "+bb54a107+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
#define TV_WITNESS "audit.example/w1"
#define TV_WITNESS_VKEY                                                        \
	TV_WITNESS "+319c93ee+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM"
#define TV_TIME 1795500000
#define TV_BODY                                                                \
	TV_ORIGIN "\n3\nNidG7xGmRu0G+OsQsY91Q6QH1JoPJjmNkCYZNryxM3o=\n"
#define DASH "\xe2\x80\x94 "
#define TV_LOG_LINE                                                            \
	DASH TV_ORIGIN " u1ShB27PdoBXUA64nl/9Oqrerx4BLK3wYz0JzUgwvvJKkeBRJooG" \
		       "P9vad86xQKtMNQ2MORdin7NL5GMq7I01RJf4Xws=\n"
#define TV_WITNESS_LINE                                                        \
	DASH TV_WITNESS " MZyT7gAAAABrBSfgMNS45ugrh+LhQu26JKGf0y3CqNPGLWlssjQO" \
			"IQQ3IC17VZeskfC97saHR8VFGg4jAdlOJWUl5OkPkemoifGLCg=="  \
			"\n"
#define TV_CHECKPOINT TV_BODY "\n" TV_LOG_LINE TV_WITNESS_LINE

/* The example of C2SP signed-note, which is Go's too. */
#define FOO_VKEY                                                               \
	"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define FOO_TEXT "This is an example message.\n"
#define FOO_LINE                                                               \
	DASH "example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlT" \
	     "gK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
#define FOO_NOTE FOO_TEXT "\n" FOO_LINE

/* The public log Rekor of Sigstore, version 1: its key and a checkpoint. */
#define REKOR_VKEY                                                             \
	"rekor.sigstore.dev+c0d23d6a+AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNht" \
	"mPtrWm3U1eQXBogSMdGvXwBcK5AW5i0hrZLOC96l+smGNM7nwZ4QvFK/4sueRoVj//QP" \
	"22Ni4Qt9DPfkWLc="
#define REKOR_CHECKPOINT \
	"rekor.sigstore.dev - 2605736670972794746\n86482791\n" \
	"FehZ1/6CqPAFDaEM1N4xOsFZO1rD6v8nmu8yMjUqzAg=\n\n" DASH \
	"rekor.sigstore.dev wNI9ajBEAiBTwFlsQciw2QNcGmPqCfPnArWAV9kgEygav9Ee" \
	"Vsa+RgIgC0Q4vazfZksnzDkqpv687OTF99KnwtI8fb9a9pUHoOU=\n"

#endif
