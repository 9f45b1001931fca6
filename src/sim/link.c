/* SPDX-License-Identifier: Apache-2.0 */
/* The socket to a virtual reader. Every wait ends on SIGTERM. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sim/serve.h"
#include "util/clock.h"
#include "util/text.h"

#define RETRY_MS 50

/* Until the socket is ready; LINK_LOST when `ms` have passed. */
static enum link_result
wait_for(const struct link *l, int fd, short events, int ms)
{
	struct pollfd p[2] = { { .fd = l->signal, .events = POLLIN },
		{ .fd = fd, .events = events } };
	int n;

	do
		n = poll(p, 2, ms);
	while (n < 0 && errno == EINTR);
	if (n > 0 && p[0].revents != 0)
		return LINK_STOP;
	return n > 0 ? LINK_OK : LINK_LOST;
}

bool
link_pause(const struct link *l, int ms)
{
	return wait_for(l, -1, 0, ms) == LINK_STOP;
}

/* HOST:PORT, also [V6]:PORT. */
static bool
split(struct link *l, const char *where)
{
	const char *colon = strrchr(where, ':');
	size_t n = colon != NULL ? (size_t)(colon - where) : 0;
	uint64_t port;

	if (n > 2 && where[0] == '[' && where[n - 1] == ']') {
		where++;
		n -= 2;
	}
	if (n == 0 || n >= sizeof(l->host) ||
	    !hl_text_u64(colon + 1, 65535, &port) ||
	    !hl_text_copy(l->port, sizeof(l->port), colon + 1))
		return false;
	memcpy(l->host, where, n);
	l->host[n] = '\0';
	return true;
}

hl_rc
link_init(struct link *l, const char *unix_path, const char *where, hl_err *err)
{
	struct sockaddr_un addr;
	sigset_t set;

	*l = (struct link){ .unix_path = unix_path, .fd = -1, .signal = -1 };
	if (unix_path != NULL && strlen(unix_path) >= sizeof(addr.sun_path))
		return hl_fail(err, HL_EUSAGE, "connect to the reader",
		    "use a shorter path", "%s is too long for a socket",
		    unix_path);
	if (unix_path == NULL && !split(l, where))
		return hl_fail(err, HL_EUSAGE, "connect to the reader",
		    "give HOST:PORT", "\"%s\" is no address", where);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	l->signal = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->signal < 0)
		return hl_fail(err, HL_EIO, "watch for signals", "", "%s",
		    strerror(errno));
	return HL_OK;
}

void
link_disconnect(struct link *l)
{
	if (l->fd >= 0)
		(void)close(l->fd);
	l->fd = -1;
}

void
link_free(struct link *l)
{
	link_disconnect(l);
	if (l->signal >= 0)
		(void)close(l->signal);
	l->signal = -1;
}

/* Delayed ACKs make vpcd, which sends a message in two parts, 500 times slower:
 * the kernel forgets this option again and again. */
static void
quick_ack(const struct link *l)
{
	const int on = 1;

	if (l->unix_path == NULL)
		(void)setsockopt(
		    l->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

/* LINK_LOST with errno set. */
static enum link_result
connect_to(
    struct link *l, const struct sockaddr *addr, socklen_t n, hl_deadline until)
{
	enum link_result res = LINK_OK;
	socklen_t size = sizeof(int);
	int error = 0;

	l->fd = socket(
	    addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return LINK_LOST;
	if (connect(l->fd, addr, n) == 0)
		return LINK_OK;
	error = errno;
	if (error == EINPROGRESS) {
		error = ETIMEDOUT;
		res = wait_for(l, l->fd, POLLOUT, hl_deadline_left(until));
		if (res == LINK_OK &&
		    getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
			error = errno;
	}
	if (res == LINK_OK && error == 0)
		return LINK_OK;
	link_disconnect(l);
	errno = error;
	return res == LINK_STOP ? LINK_STOP : LINK_LOST;
}

static enum link_result
connect_unix(struct link *l, hl_deadline until)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	(void)hl_text_copy(addr.sun_path, sizeof(addr.sun_path), l->unix_path);
	return connect_to(l, (const struct sockaddr *)(const void *)&addr,
	    sizeof(addr), until);
}

static enum link_result
connect_tcp(struct link *l, hl_deadline until, const char **why)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	enum link_result res = LINK_LOST;
	const int on = 1;
	const int gai = getaddrinfo(l->host, l->port, &hints, &list);

	if (gai != 0) {
		*why = gai_strerror(gai);
		return LINK_LOST;
	}
	for (const struct addrinfo *a = list; a != NULL && res == LINK_LOST;
	     a = a->ai_next)
		res = connect_to(l, a->ai_addr, a->ai_addrlen, until);
	*why = strerror(errno);
	freeaddrinfo(list);
	if (res == LINK_OK)
		(void)setsockopt(
		    l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return res;
}

hl_rc
link_connect(struct link *l, uint32_t ms, bool *stop, hl_err *err)
{
	const hl_deadline until = hl_deadline_in(ms);
	const char *why = "";
	enum link_result res;

	*stop = false;
	for (;;) {
		if (l->unix_path != NULL) {
			res = connect_unix(l, until);
			why = strerror(errno);
		} else {
			res = connect_tcp(l, until, &why);
		}
		*stop = res == LINK_STOP;
		if (res != LINK_LOST)
			return HL_OK;
		if (hl_deadline_left(until) == 0)
			break;
		if (link_pause(l, RETRY_MS)) {
			*stop = true;
			return HL_OK;
		}
	}
	return hl_fail(err, HL_ENODEV, "connect to the reader",
	    "start pcscd with the virtual reader first; see pcscd's log",
	    "%s%s%s: %s", l->unix_path != NULL ? l->unix_path : l->host,
	    l->unix_path != NULL ? "" : ":",
	    l->unix_path != NULL ? "" : l->port, why);
}

static enum link_result
receive(struct link *l, uint8_t *p, size_t n)
{
	enum link_result res;
	ssize_t got;

	while (n > 0) {
		quick_ack(l);
		if ((res = wait_for(l, l->fd, POLLIN, -1)) != LINK_OK)
			return res;
		got = recv(l->fd, p, n, 0);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got <= 0)
			return LINK_LOST;
		p += got;
		n -= (size_t)got;
	}
	return LINK_OK;
}

enum link_result
link_receive(struct link *l, hl_buf *msg)
{
	uint8_t head[2], body[UINT16_MAX];
	enum link_result res;
	size_t n;

	hl_buf_reset(msg);
	if ((res = receive(l, head, sizeof(head))) != LINK_OK)
		return res;
	n = (size_t)head[0] << 8 | head[1];
	if ((res = receive(l, body, n)) != LINK_OK)
		return res;
	hl_buf_put(msg, body, n);
	return msg->failed ? LINK_LOST : LINK_OK;
}

enum link_result
link_send(struct link *l, const void *p, size_t n)
{
	enum link_result res = LINK_OK;
	hl_buf b = HL_BUF_INIT;
	size_t at = 0;
	ssize_t put;

	hl_buf_u16(&b, (uint16_t)n);
	hl_buf_put(&b, p, n);
	if (b.failed || n > UINT16_MAX)
		res = LINK_LOST;
	while (res == LINK_OK && at < b.n) {
		put = send(l->fd, b.p + at, b.n - at, MSG_NOSIGNAL);
		if (put >= 0)
			at += (size_t)put;
		else if (errno == EAGAIN)
			res = wait_for(l, l->fd, POLLOUT, -1);
		else if (errno != EINTR)
			res = LINK_LOST;
	}
	hl_buf_free(&b);
	return res;
}
