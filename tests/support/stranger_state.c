/* SPDX-License-Identifier: Apache-2.0 */
#include "stranger.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The file is a row of TLVs: the tags of the protocol and three more. */
enum {
	T_SERIAL = 0xc2,
	T_LIFE = 0xc3,
	T_FIRMWARE = 0xc4,
	T_TYPE = 0xc5,
	T_COUNTER = 0xc6,
	T_CAPACITY = 0xc7,
	T_PRODUCT = 0xc8,
	T_ID = 0xca,
	T_LICENSE = 0xcb,
	T_MADE = 0xd0,
	T_CERT = 0xd1,
};

static void
die(const char *what, const char *path)
{
	fprintf(stderr, "stranger-card: %s %s: ", what, path);
	perror(NULL);
	exit(1);
}

static void
damaged(void)
{
	fputs("stranger-card: the state file is damaged\n", stderr);
	exit(1);
}

static void
set(void *to, size_t room, const uint8_t *value, size_t len)
{
	if (len > room)
		damaged();
	memcpy(to, value, len);
}

static void
load_one(struct memory *m, uint8_t tag, const uint8_t *v, size_t len)
{
	uint8_t be[4] = { 0 };
	uint32_t *number;

	switch (tag) {
	case T_SERIAL:
		set(m->serial, sizeof(m->serial), v, len);
		m->serial_len = len;
		break;
	case T_LIFE:
		set(be, 1, v, len);
		m->life = (enum life)be[0];
		break;
	case T_FIRMWARE:
		set(m->firmware, sizeof(m->firmware) - 1, v, len);
		break;
	case T_TYPE:
		set(m->type, sizeof(m->type) - 1, v, len);
		break;
	case T_PRODUCT:
		set(m->product, sizeof(m->product) - 1, v, len);
		break;
	case T_COUNTER:
	case T_CAPACITY:
	case T_MADE:
		set(be, sizeof(be), v, len);
		number = tag == T_COUNTER ? &m->counter : &m->capacity;
		*(tag == T_MADE ? &m->made : number) = get_be32(be);
		break;
	case T_ID:
		set(m->last_id, sizeof(m->last_id), v, len);
		m->has_last = true;
		break;
	case T_CERT:
		set(m->last_cert, sizeof(m->last_cert), v, len);
		break;
	case T_LICENSE:
		set(m->license, sizeof(m->license), v, len);
		m->license_len = len;
		break;
	default:
		damaged();
	}
}

bool
state_load(const char *path, struct memory *mem)
{
	struct memory m = { .life = BLANK };
	const uint8_t *p, *value;
	struct blob file;
	size_t len;
	uint8_t tag;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	if ((got = read(fd, file.b, sizeof(file.b))) < 0)
		die("read", path);
	(void)close(fd);
	file.n = (size_t)got;
	for (p = file.b; tlv_next(&p, &file.n, &tag, &value, &len);)
		load_one(&m, tag, value, len);
	if (file.n != 0 || m.serial_len == 0)
		damaged();
	*mem = m;
	return true;
}

static void
put_u32(struct card *c, struct blob *to, uint8_t tag, uint32_t value)
{
	uint8_t be[4];

	put_be32(be, value);
	tlv_put(c, to, tag, be, sizeof(be));
}

static void
encode(const struct memory *m, struct blob *to)
{
	struct card plain = { .state_file = NULL }; /* no odd spellings */
	const uint8_t life = (uint8_t)m->life;

	tlv_put(&plain, to, T_SERIAL, m->serial, m->serial_len);
	tlv_put(&plain, to, T_LIFE, &life, 1);
	tlv_put(&plain, to, T_FIRMWARE, m->firmware, strlen(m->firmware));
	tlv_put(&plain, to, T_TYPE, m->type, strlen(m->type));
	tlv_put(&plain, to, T_PRODUCT, m->product, strlen(m->product));
	put_u32(&plain, to, T_COUNTER, m->counter);
	put_u32(&plain, to, T_CAPACITY, m->capacity);
	put_u32(&plain, to, T_MADE, m->made);
	if (!m->has_last)
		return;
	tlv_put(&plain, to, T_ID, m->last_id, sizeof(m->last_id));
	tlv_put(&plain, to, T_CERT, m->last_cert, sizeof(m->last_cert));
	tlv_put(&plain, to, T_LICENSE, m->license, m->license_len);
}

void
state_save(const struct card *card)
{
	char tmp[4096], folder[4096];
	struct blob file = { .n = 0 };
	int fd, dir;

	if (card->state_file == NULL)
		return;
	(void)snprintf(tmp, sizeof(tmp), "%s.new", card->state_file);
	(void)snprintf(folder, sizeof(folder), "%s", card->state_file);
	encode(&card->mem, &file);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, file.b, file.n) != (ssize_t)file.n ||
	    fsync(fd) != 0 || close(fd) != 0)
		die("write", tmp);
	dir = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rename(tmp, card->state_file) != 0 || dir < 0 || fsync(dir) != 0)
		die("replace", card->state_file);
	(void)close(dir);
}
