/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which 32 bytes are a public key of Ed25519. OpenSSL takes any, and only finds
 * that no signature verifies.
 */
#include <string.h>

#include <openssl/bn.h>

#include "crypto/sign_int.h"

/* Big-endian, as BN_bin2bn() reads. RFC 8032, 5.1 */
static const uint8_t prime[32] = { 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xed };

/* x^2 = u / v with u = y^2 - 1, v = d y^2 + 1 and d = -121665 / 121666: both
 * are multiplied by 121666 here. */
#define D_OVER 121665
#define D_UNDER 121666

struct numbers {
	BN_CTX *ctx;
	BIGNUM *p, *y, *yy, *u, *v, *t;
};

static bool
numbers_init(struct numbers *n, const uint8_t y[32])
{
	BN_CTX_start(n->ctx);
	n->p = BN_CTX_get(n->ctx);
	n->y = BN_CTX_get(n->ctx);
	n->yy = BN_CTX_get(n->ctx);
	n->u = BN_CTX_get(n->ctx);
	n->v = BN_CTX_get(n->ctx);
	n->t = BN_CTX_get(n->ctx);
	/* After one failure all further BN_CTX_get() fail. */
	return n->t != NULL && BN_bin2bn(prime, 32, n->p) != NULL &&
	    BN_bin2bn(y, 32, n->y) != NULL;
}

/* u and v of the equation of the curve. */
static bool
fraction(struct numbers *n)
{
	return BN_mod_sqr(n->yy, n->y, n->p, n->ctx) == 1 &&
	    BN_copy(n->u, n->yy) != NULL && BN_sub_word(n->u, 1) == 1 &&
	    BN_mul_word(n->u, D_UNDER) == 1 && BN_copy(n->v, n->yy) != NULL &&
	    BN_mul_word(n->v, D_OVER) == 1 && BN_set_word(n->t, D_UNDER) == 1 &&
	    BN_mod_sub(n->v, n->t, n->v, n->p, n->ctx) == 1 &&
	    BN_mod(n->u, n->u, n->p, n->ctx) == 1;
}

/*
 * Is this point times 8 the neutral one? Those have y = 1 or -1 (order 1 and
 * 2), y = 0 (order 4), or twice the point has y = 0 (order 8): x^2 = -y^2.
 */
static int
small_order(struct numbers *n)
{
	if (BN_is_zero(n->y) || BN_is_one(n->yy))
		return 1;
	if (BN_mod_mul(n->t, n->yy, n->v, n->p, n->ctx) != 1 ||
	    BN_mod_add(n->t, n->t, n->u, n->p, n->ctx) != 1)
		return -1;
	return BN_is_zero(n->t);
}

static int
judge(struct numbers *n, const uint8_t y[32])
{
	int r;

	if (!numbers_init(n, y))
		return -1;
	if (BN_cmp(n->y, n->p) >= 0)
		return 0; /* not in shortest form */
	if (!fraction(n) || (r = small_order(n)) < 0)
		return -1;
	if (r == 1)
		return 0;
	/* u / v is a square when u * v is one; u is not 0 here */
	if (BN_mod_mul(n->t, n->u, n->v, n->p, n->ctx) != 1)
		return -1;
	r = BN_kronecker(n->t, n->p, n->ctx);
	return r == -2 ? -1 : r == 1;
}

int
hl_ed25519_point(const uint8_t point[HL_ED25519_LEN])
{
	struct numbers n = { .ctx = BN_CTX_new() };
	uint8_t y[32];
	int r;

	if (n.ctx == NULL)
		return -1;
	for (size_t i = 0; i < sizeof(y); i++)
		y[i] = point[sizeof(y) - 1 - i];
	y[0] &= 0x7f; /* the sign of x */
	r = judge(&n, y);
	BN_CTX_end(n.ctx);
	BN_CTX_free(n.ctx);
	return r;
}
