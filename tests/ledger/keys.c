/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/keys.h"

#include <stdio.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "crypto/hexvec.h"
#include "util/file.h"

static hl_signer *
open_and_remove(const char *path)
{
	hl_signer *s;

	assert_int_equal(hl_signer_open(&s, path, NULL, NULL, NULL), HL_OK);
	assert_int_equal(unlink(path), 0);
	return s;
}

hl_signer *
key_rfc8032(int test)
{
	static const char *const seeds[] = { "9d61b19deffd5a60ba844af492ec2cc4"
					     "4449c5697b326919703bac031cae7f60",
		"4ccd089b28ff96da9db6c346ec114e0f"
		"5b8a319f35aba624da8cf6ed4fb8a6fb" };
	char der[100], path[] = "/tmp/hsmlic-test-key-XXXXXX";
	hl_buf pem = HL_BUF_INIT;
	vec v;

	/* RFC 8410, 7: PKCS #8 of an Ed25519 key is this and the seed. */
	snprintf(der, sizeof(der), "302e020100300506032b657004220420%s",
	    seeds[test - 1]);
	v = vec_of(der);
	hl_buf_printf(&pem, "-----BEGIN PRIVATE KEY-----\n");
	hl_base64_put(&pem, v.p, v.n);
	hl_buf_printf(&pem, "\n-----END PRIVATE KEY-----\n");
	vec_free(&v);
	assert_true(close(mkstemp(path)) == 0);
	assert_int_equal(
	    hl_file_write(path, pem.p, pem.n, 0600, NULL), HL_OK);
	hl_buf_free(&pem);
	return open_and_remove(path);
}

hl_signer *
key_p256(void)
{
	char path[] = "/tmp/hsmlic-test-key-XXXXXX";

	assert_true(close(mkstemp(path)) == 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(
	    hl_signer_generate(path, HL_KEY_P256, NULL, NULL), HL_OK);
	return open_and_remove(path);
}
