/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cards: found, opened for exclusive use, asked, and told to issue. A card is
 * open inside a PC/SC transaction from hl_card_open() to hl_card_close(), and
 * processes of this program queue up for a reader on a lock file as well.
 * One thread at a time may use a handle, and the one that opened it must live
 * until it is closed: the process that talks to PC/SC ends with that thread.
 */
#ifndef HL_CARD_CARD_H
#define HL_CARD_CARD_H

#include <stdbool.h>

#include "card/channel.h"
#include "tool/tool.h"
#include "util/name_lock.h"
#include "util/uuid.h"

#define HL_SERIAL_TEXT 33 /* 16 bytes in hex and NUL */
#define HL_FIRMWARE_ID_TEXT 65
#define HL_TYPE_TEXT 9
#define HL_ISSUE_MAX 4096 /* bytes of a license */

typedef enum hl_card_state {
	HL_CARD_UNKNOWN,
	HL_CARD_BLANK,	     /* OEM_STATE */
	HL_CARD_OPERATIONAL, /* OPERATIONAL_STATE */
	HL_CARD_TERMINATED,  /* TERMINATED_STATE */
	HL_CARD_ST,	     /* ST_STATE: of an STM32HSM, not made ready yet */
} hl_card_state;

/* What a driver's cards can do; bits of hl_card_info.can. */
#define HL_CAN_INFO 1U	  /* state, firmware and counter can be read */
#define HL_CAN_ISSUE 2U	  /* licenses from a certificate */
#define HL_CAN_SERIAL 4U  /* strong identity */
#define HL_CAN_REPLAY 8U  /* same request ID: same license, nothing spent */
#define HL_BY_TOOL                                                             \
	16U /* only its vendor's own program may talk to it: others            \
	       can use the card while that is at work */

typedef struct hl_card_info {
	char driver[16]; /* "olc", "stm32hsm"; "" when no driver knows it */
	char reader[HL_READER_NAME_MAX];
	uint8_t atr[HL_ATR_MAX];
	size_t atr_n;
	unsigned can;
	hl_card_state state;
	char serial[HL_SERIAL_TEXT];	      /* upper-case hex; "" unknown */
	char firmware_id[HL_FIRMWARE_ID_TEXT]; /* "" unknown */
	char type[HL_TYPE_TEXT];	      /* "SFI", ...; "" unknown */
	char version[16];		      /* of an STM32HSM; "" unknown */
	char product_id[9];		      /* "" any or unknown */
	bool has_counter;
	uint32_t counter;  /* licenses left */
	uint32_t capacity; /* licenses at personalisation; 0 unknown */
} hl_card_info;

typedef struct hl_card_answer {
	uint8_t license[HL_ISSUE_MAX];
	size_t n; /* 0: no license came */
	bool counted; /* counter_after is what the card said with its answer */
	uint32_t counter_after;
	hl_uuid request_id; /* the one that the card says it answered */
	bool bound;	    /* request_id equals the one that was sent */
	uint16_t sw;	    /* status word; 0 when none came */
} hl_card_answer;

/* For cards that only their vendor's program can ask (HL_BY_TOOL). */
typedef struct hl_card_tool {
	const char *program; /* STM32_Programmer_CLI; NULL: it is looked for */
	/* Which slot=N of that program is this reader? HL_EUSAGE: not known. */
	hl_rc (*slot)(
	    void *arg, const char *reader, unsigned *slot, hl_err *err);
	/* Did the user say that cards with this ATR are asked so? */
	bool (*chosen)(void *arg, const uint8_t *atr, size_t n);
	void *arg;
	const hl_connect *connect; /* a chip that is connected; NULL: none */
	const char *tfa; /* the TF-A that an STM32MP1 needs for it, or NULL */
	const char *dir; /* for the files of a request; NULL: none is made */
} hl_card_tool;

typedef struct hl_card_options {
	hl_deadline until;    /* for opening, waits included */
	const char *lock_dir; /* where readers' lock files are; NULL: none */
	hl_card_tool tool;
} hl_card_options;

typedef struct hl_card hl_card;

/*
 * Opens the card in the reader of exactly this name, or "sim:FILE", takes it
 * for exclusive use and finds its driver. A card that only its vendor's program
 * can ask is let go again: the reader's lock file alone keeps other processes
 * of this program off it. HL_ENODEV: no such reader, no card in it, no PC/SC
 * service; HL_EACCESS; HL_EBUSY: held by others until the deadline;
 * HL_ETIMEOUT; HL_ECARD: the card cannot be powered up or speaks no protocol. A
 * card that no driver knows is opened too (hl_card_info.driver "").
 */
HL_CHECK hl_rc hl_card_open(hl_card **out, const char *reader,
    const hl_card_options *opt, hl_err *err);

/* Asks the card. What the driver cannot find out stays empty. Spends nothing.
 * On failure *out tells reader, ATR and driver of a card that is HL_BY_TOOL,
 * and says that it is not HL_CAN_INFO. */
HL_CHECK hl_rc hl_card_read(
    hl_card *card, hl_card_info *out, hl_deadline until, hl_err *err);

/*
 * ISSUE LICENSE: the one call that spends. The caller has made its record of
 * the request durable before. HL_OK: a license is in *out, and out->bound tells
 * whether it answers this request. Otherwise *exec tells what is known:
 * HL_EXEC_NO, nothing was spent (HL_ENOLICENSE: the card refused, out->sw);
 * HL_EXEC_UNKNOWN, in doubt. Nothing is ever sent twice in here. A card that
 * did not stay (below) is not asked: HL_ENODEV, HL_EXEC_NO.
 */
HL_CHECK hl_rc hl_card_issue(hl_card *card, const uint8_t *certificate,
    size_t n, const hl_uuid *request_id, hl_card_answer *out, hl_exec *exec,
    hl_deadline until, hl_err *err);

/*
 * After a failure: a new connection to whatever is in that reader now, the
 * driver found anew. The caller compares the serial number with the one before.
 */
HL_CHECK hl_rc hl_card_reconnect(
    hl_card *card, hl_deadline until, hl_err *err);

/* NULL is fine; sets *card to NULL. */
void hl_card_close(hl_card **card);

/*
 * The vendor's program opens the card itself, so PC/SC cannot keep others off
 * it. Processes of this program wait for each other, whatever store and user
 * they are at work for (util/name_lock.h): whoever asks the card in a reader by
 * that program holds this lock. A card that is HL_BY_TOOL has it while it is
 * open. Free with hl_name_lock_free(). HL_EBUSY: held by another one.
 */
HL_CHECK hl_rc hl_card_machine_lock(
    hl_name_lock *lock, const char *reader, hl_deadline until, hl_err *err);

/* Is this the answer to reset of an STM32HSM? */
bool hl_card_is_stm32hsm(const uint8_t *atr, size_t n);

/*
 * Can both readings be of one card? By the serial number, else by all that a
 * card without one tells but its counter.
 */
bool hl_card_same(const hl_card_info *a, const hl_card_info *b);

/*
 * False: since it was opened, a card that its vendor's program asks was taken
 * out, if only for a moment; it need not be the same card any more.
 */
bool hl_card_stayed(const hl_card *card, hl_deadline until);

/*
 * What the vendor's program left in `dir` for a request whose process has died:
 * *good when the program ended well, its license is whole, and surely for the
 * chip of the request. HL_ENOTFOUND: no license, also for a file that is too
 * long to be one. Other codes: a file is there that cannot be read now, and may
 * be the license.
 */
HL_CHECK hl_rc hl_card_left_behind(const char *dir, const hl_uuid *request_id,
    hl_card_answer *out, bool *good, hl_err *err);
/*
 * Removes what was left; what the program printed only when `log`. A license
 * stays there unless its bytes are the `n` at `safe`, which are kept elsewhere.
 */
void hl_card_forget(const char *dir, const hl_uuid *request_id, bool log,
    const uint8_t *safe, size_t n);
/* What the vendor's program printed. HL_ENOTFOUND: there is nothing. */
HL_CHECK hl_rc hl_card_printed(const char *dir, const hl_uuid *request_id,
    char *path, size_t path_size, hl_buf *text, hl_err *err);

const char *hl_card_state_name(hl_card_state s); /* "OPERATIONAL_STATE", ... */
/* From a serial in text to canonical form; false when it is not one. */
bool hl_serial_canonical(const char *s, char out[HL_SERIAL_TEXT]);

#endif
