/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signer-tool [--module M] [--pin PIN] [--last-try] [--pause FIFO] KEY
 *     public | sign FILE
 *
 * Drives hl_signer_*() for the tests: writes the public key as PEM, or the
 * signature of a file, to standard output. An error is three lines on standard
 * error: the code's name and what, why, hint. `--pause`: between opening the
 * key and signing it opens that FIFO for writing, then for reading, so that a
 * test can pull the token.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/sign.h"
#include "util/file.h"
#include "util/text.h"

struct job {
	const char *module, *pin, *pause, *key, *verb, *file;
	bool last_try_ok;
};

static hl_rc
ask(void *arg, const char *what, bool last_try, char *buf, size_t size,
    hl_err *err)
{
	const struct job *j = arg;

	fprintf(stderr, "asked for %s%s\n", what, last_try ? ", last try" : "");
	if (!hl_text_copy(buf, size, j->pin))
		return hl_fail(err, HL_EINPUT, "ask", "", "too long");
	return HL_OK;
}

/* Tells whoever reads the FIFO, then waits for one who writes. */
static void
pause_at(const char *fifo)
{
	int fd = open(fifo, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		exit(99);
	close(fd);
	fd = open(fifo, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		exit(99);
	close(fd);
}

static hl_rc
sign_file(hl_signer *s, const struct job *j, hl_buf *out, hl_err *err)
{
	hl_buf msg = HL_BUF_INIT;
	hl_rc rc = hl_file_read(j->file, 1 << 20, &msg, err);

	if (j->pause != NULL)
		pause_at(j->pause);
	if (rc == HL_OK)
		rc = hl_signer_sign(s, msg.p, msg.n, out, err);
	hl_buf_free(&msg);
	return rc;
}

static hl_rc
work(const struct job *j, hl_err *err)
{
	hl_pin_source pin = { ask, NULL, j->last_try_ok };
	hl_buf out = HL_BUF_INIT;
	hl_signer *s = NULL;
	struct job copy = *j;
	hl_rc rc;

	pin.arg = &copy;
	rc = hl_signer_open(
	    &s, j->key, j->module, j->pin != NULL ? &pin : NULL, err);
	if (rc == HL_OK && strcmp(j->verb, "sign") == 0)
		rc = sign_file(s, j, &out, err);
	else if (rc == HL_OK)
		rc = hl_public_pem(hl_signer_public(s), &out, err);
	if (rc == HL_OK && fwrite(out.p, 1, out.n, stdout) != out.n)
		rc = HL_EIO;
	hl_buf_free(&out);
	hl_signer_close(&s);
	return rc;
}

static int
usage(void)
{
	fputs("usage: signer-tool [--module M] [--pin PIN] [--last-try] "
	      "[--pause FIFO] KEY public | sign FILE\n",
	    stderr);
	return 98;
}

int
main(int argc, char **argv)
{
	struct job j = { .module = NULL };
	hl_err err = { 0 };
	int i = 1;

	for (; i < argc && hl_text_starts(argv[i], "--"); i++) {
		if (strcmp(argv[i], "--last-try") == 0)
			j.last_try_ok = true;
		else if (i + 1 >= argc)
			return usage();
		else if (strcmp(argv[i], "--module") == 0)
			j.module = argv[++i];
		else if (strcmp(argv[i], "--pin") == 0)
			j.pin = argv[++i];
		else if (strcmp(argv[i], "--pause") == 0)
			j.pause = argv[++i];
		else
			return usage();
	}
	if (argc - i < 2 ||
	    (strcmp(argv[i + 1], "sign") == 0) != (argc - i == 3))
		return usage();
	j.key = argv[i];
	j.verb = argv[i + 1];
	j.file = argv[i + 2];
	if (work(&j, &err) == HL_OK)
		return 0;
	fprintf(stderr, "%s: %s\n%s\n%s\n", hl_rc_name(err.rc), err.what,
	    err.why, err.hint);
	return hl_rc_exit(err.rc);
}
