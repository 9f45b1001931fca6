/* SPDX-License-Identifier: Apache-2.0 */
#include "ifd_frame.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static RESPONSECODE
wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left;
	int n;

	do {
		left = deadline - now_ms();
		if (left <= 0)
			return IFD_RESPONSE_TIMEOUT;
		n = poll(&p, 1, (int)left);
	} while (n == 0 || (n < 0 && errno == EINTR));
	return n < 0 ? IFD_COMMUNICATION_ERROR : IFD_SUCCESS;
}

static RESPONSECODE /* fills all of buf, or fails */
read_all(int fd, uint8_t *buf, size_t len, int64_t deadline)
{
	RESPONSECODE rc;
	ssize_t n;

	while (len > 0) {
		if ((rc = wait_for(fd, POLLIN, deadline)) != IFD_SUCCESS)
			return rc;
		n = recv(fd, buf, len, MSG_DONTWAIT);
		if (n == 0)
			return IFD_COMMUNICATION_ERROR;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return IFD_COMMUNICATION_ERROR;
		if (n > 0) {
			buf += n;
			len -= (size_t)n;
		}
	}
	return IFD_SUCCESS;
}

RESPONSECODE
write_frame(int fd, uint8_t *data, size_t len, int64_t deadline)
{
	uint8_t head[2] = { (uint8_t)(len >> 8), (uint8_t)len };
	struct iovec iov[2] = { { head, sizeof(head) }, { data, len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	size_t left = sizeof(head) + len, part;
	RESPONSECODE rc;
	ssize_t n;

	while (left > 0) {
		if ((rc = wait_for(fd, POLLOUT, deadline)) != IFD_SUCCESS)
			return rc;
		n = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return IFD_COMMUNICATION_ERROR;
		left -= n > 0 ? (size_t)n : 0;
		for (size_t i = 0; i < 2 && n > 0; i++) {
			part = (size_t)n < iov[i].iov_len ? (size_t)n
							  : iov[i].iov_len;
			iov[i].iov_base = (uint8_t *)iov[i].iov_base + part;
			iov[i].iov_len -= part;
			n -= (ssize_t)part;
		}
	}
	return IFD_SUCCESS;
}

RESPONSECODE
read_frame(int fd, uint8_t *buf, size_t *len, int64_t deadline)
{
	uint8_t head[2];
	RESPONSECODE rc;
	size_t n;

	rc = read_all(fd, head, sizeof(head), deadline);
	if (rc != IFD_SUCCESS)
		return rc;
	n = (size_t)head[0] << 8 | head[1];
	if (n > *len)
		return IFD_COMMUNICATION_ERROR;
	if ((rc = read_all(fd, buf, n, deadline)) == IFD_SUCCESS)
		*len = n;
	return rc;
}
