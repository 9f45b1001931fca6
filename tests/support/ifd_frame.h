/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HSMLIC_TEST_IFD_FRAME_H
#define HSMLIC_TEST_IFD_FRAME_H

#include <ifdhandler.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAME_MAX = 65535 }; /* what the length field can say */

/* The monotonic clock, in milliseconds; deadlines are points of it. */
int64_t now_ms(void);

/* One message, in one write unless the socket's buffer is full. */
RESPONSECODE write_frame(int fd, uint8_t *data, size_t len, int64_t deadline);

/*
 * One message, whole or not at all. *len is the room before and the message's
 * length after; a message that does not fit is IFD_COMMUNICATION_ERROR.
 */
RESPONSECODE read_frame(int fd, uint8_t *buf, size_t *len, int64_t deadline);

#endif
