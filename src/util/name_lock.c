/* SPDX-License-Identifier: Apache-2.0 */
#include "util/name_lock.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define POLL_MS 25
#define WHAT "take a lock"

hl_rc
hl_name_lock_take(
    hl_name_lock *lock, const char *name, hl_deadline until, hl_err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const size_t n = strlen(name);
	socklen_t len;
	int e;

	lock->fd = -1;
	if (n >= sizeof(at.sun_path))
		return hl_fail(err, HL_EINPUT, WHAT, "",
		    "its name is longer than %zu bytes",
		    sizeof(at.sun_path) - 1);
	/* The zero byte in front makes it a name instead of a path. */
	memcpy(at.sun_path + 1, name, n);
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n);
	lock->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (lock->fd < 0)
		return hl_fail(err, HL_EIO, WHAT, "", "%s", strerror(errno));
	while (bind(lock->fd, (const struct sockaddr *)&at, len) != 0) {
		e = errno;
		if (e == EADDRINUSE && hl_deadline_left(until) > 0) {
			hl_sleep_ms(POLL_MS);
			continue;
		}
		hl_name_lock_free(lock);
		return hl_fail(err, e == EADDRINUSE ? HL_EBUSY : HL_EIO, WHAT,
		    "let the other process finish, or wait longer", "%s",
		    e == EADDRINUSE ? "another process holds it" : strerror(e));
	}
	return HL_OK;
}

void
hl_name_lock_free(hl_name_lock *lock)
{
	if (lock->fd >= 0)
		(void)close(lock->fd);
	lock->fd = -1;
}
