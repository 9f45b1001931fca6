/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HSMLIC_TEST_IFD_SLOT_H
#define HSMLIC_TEST_IFD_SLOT_H

#include <ifdhandler.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

enum { MAX_SLOTS = 16 }; /* as many readers as pcscd keeps */

enum presence {
	EMPTY,	/* no card; the next connection is one */
	IN,	/* `card` is open */
	EJECTED /* card lost, and the event thread does not know yet */
};

/*
 * pcscd serialises all calls for one reader except the event function, which
 * runs beside them: `lock` guards what the two share (state, card, poller).
 */
struct slot {
	pthread_mutex_t lock;
	bool used, has_poller;
	DWORD lun;
	pthread_t poller;
	enum presence state;
	int listener, card, wake;
	int timeout_ms;
	uint8_t atr[MAX_ATR_SIZE];
	size_t atr_len;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/* The slot of that reader; NULL: none. */
struct slot *slot_of(DWORD lun);

/* A new slot for that reader, with nothing open; NULL: all are taken. */
struct slot *slot_take(DWORD lun);

/* Closes everything, removes the socket's file. */
void slot_release(struct slot *s);

/* Makes the reader's socket, mode 0600, in place of one left behind. */
bool slot_listen(struct slot *s, const char *path);

/* Takes a card that waits; false: no card, or the last one was just lost. */
bool slot_present(struct slot *s);

/* The stream is out of step or dead: nothing on it can be trusted again. */
void slot_eject(struct slot *s);

/* Returns when presence may have changed; slot_wake() makes it return. */
void slot_wait(struct slot *s, int timeout_ms);
void slot_wake(const struct slot *s);

#endif
