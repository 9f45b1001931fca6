/* SPDX-License-Identifier: Apache-2.0 */
#include "ifd_slot.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct slot slots[MAX_SLOTS];
static pthread_mutex_t slots_lock = PTHREAD_MUTEX_INITIALIZER;

struct slot *
slot_of(DWORD lun)
{
	struct slot *found = NULL;

	(void)pthread_mutex_lock(&slots_lock);
	for (size_t i = 0; i < MAX_SLOTS && found == NULL; i++) {
		if (slots[i].used && slots[i].lun == lun)
			found = &slots[i];
	}
	(void)pthread_mutex_unlock(&slots_lock);
	return found;
}

struct slot *
slot_take(DWORD lun)
{
	struct slot *s = NULL;

	(void)pthread_mutex_lock(&slots_lock);
	for (size_t i = 0; i < MAX_SLOTS && s == NULL; i++) {
		if (!slots[i].used)
			s = &slots[i];
	}
	if (s != NULL) {
		*s = (struct slot){ .used = true,
			.lun = lun,
			.listener = -1,
			.card = -1,
			.wake = -1 };
		(void)pthread_mutex_init(&s->lock, NULL);
	}
	(void)pthread_mutex_unlock(&slots_lock);
	return s;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

void
slot_release(struct slot *s)
{
	close_fd(&s->card);
	close_fd(&s->listener);
	close_fd(&s->wake);
	if (s->path[0] != '\0')
		(void)unlink(s->path);
	(void)pthread_mutex_destroy(&s->lock);
	(void)pthread_mutex_lock(&slots_lock);
	s->used = false;
	(void)pthread_mutex_unlock(&slots_lock);
}

bool
slot_listen(struct slot *s, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	struct stat st;

	if (len == 0 || len >= sizeof(addr.sun_path))
		return false;
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(path); /* left behind by a pcscd that died */
	memcpy(addr.sun_path, path, len + 1);
	s->listener =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->listener < 0 ||
	    bind(s->listener, (struct sockaddr *)&addr, sizeof(addr)) != 0)
		return false;
	memcpy(s->path, path, len + 1);
	return chmod(path, 0600) == 0 && listen(s->listener, MAX_SLOTS) == 0;
}

void
slot_wake(const struct slot *s)
{
	(void)eventfd_write(s->wake, 1); /* fails only when already awake */
}

void
slot_eject(struct slot *s)
{
	(void)pthread_mutex_lock(&s->lock);
	if (s->state == IN) {
		/* The event thread may hold a copy, which delays no EOF. */
		(void)shutdown(s->card, SHUT_RDWR);
		close_fd(&s->card);
		s->state = EJECTED;
		s->atr_len = 0;
	}
	(void)pthread_mutex_unlock(&s->lock);
	slot_wake(s);
}

static bool
hung_up(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) > 0;
}

void
slot_wait(struct slot *s, int timeout_ms)
{
	struct pollfd p[2] = { { .fd = -1 }, { .fd = -1 } };
	eventfd_t count;
	bool at_once;
	int card = -1;

	(void)pthread_mutex_lock(&s->lock);
	s->poller = pthread_self();
	s->has_poller = true;
	at_once = s->state == EJECTED;
	p[0] = (struct pollfd){ .fd = s->wake, .events = POLLIN };
	if (s->state == EMPTY)
		p[1] = (struct pollfd){ .fd = s->listener, .events = POLLIN };
	/* A copy: the number may be closed and used again meanwhile. */
	if (s->state == IN) {
		card = fcntl(s->card, F_DUPFD_CLOEXEC, 0);
		p[1] = (struct pollfd){ .fd = card, .events = POLLRDHUP };
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (!at_once)
		(void)poll(p, 2, timeout_ms);
	(void)eventfd_read(s->wake, &count); /* does not block */
	close_fd(&card);
}

bool
slot_present(struct slot *s)
{
	bool present;

	(void)pthread_mutex_lock(&s->lock);
	if (s->state == IN && hung_up(s->card)) {
		close_fd(&s->card);
		s->state = EJECTED;
		slot_wake(s);
	}
	if (s->state == EMPTY) {
		s->card = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
		s->state = s->card >= 0 ? IN : EMPTY;
	} else if (s->state == EJECTED &&
	    (!s->has_poller || pthread_equal(s->poller, pthread_self()))) {
		s->state = EMPTY; /* told once; the next one may come in */
	}
	present = s->state == IN;
	(void)pthread_mutex_unlock(&s->lock);
	return present;
}
