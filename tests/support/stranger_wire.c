/* SPDX-License-Identifier: Apache-2.0 */
#include "stranger.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 500, PAUSE_MS = 20 }; /* ten seconds for the reader to be */

static int
try_connect(const struct sockaddr *addr, socklen_t len)
{
	int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, addr, len) != 0) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

static int
keep_trying(const struct sockaddr *addr, socklen_t len)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	int fd = -1;

	for (int i = 0; i < TRIES && fd < 0; i++) {
		if (i > 0)
			(void)nanosleep(&pause, NULL);
		fd = try_connect(addr, len);
	}
	return fd;
}

int
wire_unix(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(addr.sun_path))
		return -1;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	return keep_trying((const struct sockaddr *)&addr, sizeof(addr));
}

int
wire_tcp(const char *host_port)
{
	const struct addrinfo hints = { .ai_family = AF_INET,
		.ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(host_port, ':');
	struct addrinfo *found;
	char host[256];
	int fd;

	if (colon == NULL || (size_t)(colon - host_port) >= sizeof(host))
		return -1;
	(void)snprintf(
	    host, sizeof(host), "%.*s", (int)(colon - host_port), host_port);
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return -1;
	fd = keep_trying(found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return fd;
}

static bool
read_all(int fd, uint8_t *to, size_t len)
{
	const int on = 1;
	ssize_t n;

	while (len > 0) {
		/*
		 * vpcd sends length and body apart and waits for the first
		 * to be acknowledged; the kernel takes the option back after
		 * every delayed acknowledgement. No effect on UNIX sockets.
		 */
		(void)setsockopt(
		    fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
		n = recv(fd, to, len, 0);
		if (n == 0 || (n < 0 && errno != EINTR))
			return false;
		to += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

bool
wire_read(int fd, struct blob *to)
{
	uint8_t head[2];

	if (!read_all(fd, head, sizeof(head)))
		return false;
	to->n = (size_t)head[0] << 8 | head[1];
	return to->n <= sizeof(to->b) && read_all(fd, to->b, to->n);
}

bool
wire_write(int fd, const struct blob *from)
{
	uint8_t frame[2 + BLOB_MAX];
	size_t len = 2 + from->n, done = 0;
	ssize_t n;

	frame[0] = (uint8_t)(from->n >> 8);
	frame[1] = (uint8_t)from->n;
	memcpy(frame + 2, from->b, from->n);
	while (done < len) { /* one write, unless the buffer is full */
		n = send(fd, frame + done, len - done, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			return false;
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}
