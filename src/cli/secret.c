/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/secret.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/file.h"
#include "util/text.h"

/* Puts a line into the buffer; `n` bytes without its end. */
static hl_rc
take_line(const char *p, size_t n, const char *what, char *buf, size_t size,
    hl_err *err)
{
	if (n == 0)
		return hl_fail(err, HL_EINPUT, "get a secret",
		    "put it there, on one line, or without --pin type it",
		    "the %s is empty", what);
	if (n >= size || memchr(p, '\0', n) != NULL)
		return hl_fail(err, HL_EINPUT, "get a secret",
		    "is it the right one?",
		    "what is there is not the %s: it has a zero byte, or more "
		    "than %zu bytes",
		    what, size - 1);
	memcpy(buf, p, n);
	buf[n] = '\0';
	return HL_OK;
}

/* Bytes up to the end of the first line. */
static size_t
line_len(const char *p, size_t n)
{
	const char *end = n > 0 ? memchr(p, '\n', n) : NULL;

	if (end != NULL)
		n = (size_t)(end - p);
	if (n > 0 && p[n - 1] == '\r')
		n--;
	return n;
}

static hl_rc
from_env(hl_secret *s, const char *what, char *buf, size_t size, hl_err *err)
{
	const char *v = getenv(s->where);

	if (v == NULL)
		return hl_fail(err, HL_EUSAGE, "get a secret",
		    "export it, or say with --pin where the secret is",
		    "there is no environment variable %s", s->where);
	return take_line(v, strlen(v), what, buf, size, err);
}

static hl_rc
from_file(hl_secret *s, const char *what, char *buf, size_t size, hl_err *err)
{
	hl_buf text = HL_BUF_INIT;
	const char *p;
	hl_rc rc;

	/* a second line may hold something else */
	rc = hl_file_read_secret(s->where, 4096, &text, err);
	if (rc == HL_OK) {
		p = hl_buf_str(&text);
		rc = take_line(p, line_len(p, text.n), what, buf, size, err);
	}
	if (rc != HL_OK)
		hl_err_what(err, "get the %s from \"%s\"", what, s->where);
	hl_buf_free(&text);
	return rc;
}

/* Byte by byte: what is behind the line belongs to somebody else. */
static hl_rc
read_line(int fd, char line[HL_PIN_SIZE + 1], size_t *n, hl_err *err)
{
	ssize_t r;
	char c = '\0';

	*n = 0;
	while (*n <= HL_PIN_SIZE) {
		r = read(fd, &c, 1);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return hl_fail(err, HL_EIO, "get a secret",
			    "is that descriptor open for reading?",
			    "descriptor %d: %s", fd, strerror(errno));
		if (r == 0 || c == '\n')
			break;
		line[(*n)++] = c;
	}
	return HL_OK;
}

static hl_rc
from_fd(hl_secret *s, const char *what, char *buf, size_t size, hl_err *err)
{
	char line[HL_PIN_SIZE + 2];
	hl_rc rc = HL_OK;
	size_t n;

	if (!s->has_line) {
		rc = read_line(s->fd, line, &n, err);
		if (rc == HL_OK)
			rc = take_line(line, line_len(line, n), what, s->line,
			    sizeof(s->line), err);
		explicit_bzero(line, sizeof(line));
		s->has_line = rc == HL_OK;
	}
	if (rc == HL_OK)
		rc = take_line(s->line, strlen(s->line), what, buf, size, err);
	return rc;
}

static hl_rc
ask(void *arg, const char *what, bool last_try, char *buf, size_t size,
    hl_err *err)
{
	hl_secret *s = arg;

	switch (s->kind) {
	case HL_SECRET_ENV:
		return from_env(s, what, buf, size, err);
	case HL_SECRET_FILE:
		return from_file(s, what, buf, size, err);
	case HL_SECRET_FD:
		return from_fd(s, what, buf, size, err);
	case HL_SECRET_PROMPT:
		break;
	}
	return hl_secret_prompt(what, last_try, buf, size, err);
}

static bool
parse(hl_secret *s, const char *word)
{
	const char *colon = strchr(word, ':');
	uint64_t fd = 0;

	if (colon == NULL || colon[1] == '\0')
		return false;
	s->where = colon + 1;
	if (hl_text_starts(word, "env:"))
		s->kind = HL_SECRET_ENV;
	else if (hl_text_starts(word, "file:"))
		s->kind = HL_SECRET_FILE;
	else if (hl_text_starts(word, "fd:") &&
	    hl_text_u64(s->where, INT_MAX, &fd))
		s->kind = HL_SECRET_FD;
	else
		return false;
	s->fd = (int)fd;
	return true;
}

hl_rc
hl_secret_init(hl_secret *s, const char *word, bool last_try_ok, hl_err *err)
{
	*s = (hl_secret){ .source = { ask, s, last_try_ok },
		.kind = HL_SECRET_PROMPT,
		.fd = -1 };
	if (word == NULL || parse(s, word))
		return HL_OK;
	/* The word is not repeated: it could be the secret. */
	return hl_fail(err, HL_EUSAGE, "understand --pin",
	    "give env:NAME, file:PATH or fd:N; without --pin it is asked for",
	    "it says where the secret is, and is never the secret itself");
}

void
hl_secret_free(hl_secret *s)
{
	explicit_bzero(s, sizeof(*s));
}
