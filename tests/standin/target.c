/* SPDX-License-Identifier: Apache-2.0 */
/* The chip at the probe: connecting, certificate, memory, option bytes. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "chip/uid.h"
#include "standin.h"
#include "util/file.h"
#include "util/hex.h"
#include "util/text.h"

#define DEVICE_FILE_MAX 4096
#define OPTION_BYTES_MAX 65536
#define PROBE "002F003F3137510539383538"

/*
 * Where the UID is: stm32duino/Arduino_Core_STM32, CMSIS headers. Names: those
 * that consoles showed; "--" stands for those that were not seen.
 */
static const struct device {
	uint32_t id, uid_at;
	const char *name;
} devices[] = {
	{ 0x450, 0x1FF1E800, "--" },
	{ 0x462, 0x1FFF7590, "--" },
	{ 0x472, 0x0BFA0590, "--" },
	{ 0x478, 0x08FFF800, "STM32H533/523" },
	{ 0x480, 0x08FFF800, "STM32H7A/B" },
	{ 0x481, 0x0BFA0700, "--" },
	{ 0x484, 0x08FFF800, "--" },
	{ 0x492, 0x0BF90700, "--" },
	{ 0x495, 0x1FFF7590, "STM32WB5x" },
	{ 0x497, 0x1FFF7590, "--" },
};

static bool
hex32(const char *s, uint32_t *v)
{
	char *end;
	const unsigned long n = strtoul(s, &end, 16);

	*v = (uint32_t)n;
	return end != s && *end == '\0' && n <= UINT32_MAX;
}

/* Product ID of the certificate: its first three digits are the device ID. */
static void
device_of_certificate(struct target *g)
{
	char id[4];

	(void)snprintf(id, sizeof(id), "%.3s", g->cert.product_id);
	if (!hex32(id, &g->device_id))
		world_broken("certificate.bin", "has no product ID");
	(void)hl_text_copy(g->name, sizeof(g->name), "--");
	g->has_uid = false;
	for (size_t i = 0; i < HL_COUNT(devices); i++) {
		if (devices[i].id != g->device_id)
			continue;
		(void)hl_text_copy(g->name, sizeof(g->name), devices[i].name);
		g->has_uid = true;
		g->uid_at = devices[i].uid_at;
	}
}

static void
device_line(struct target *g, const char *key, const char *value)
{
	if (strcmp(key, "id") == 0 && hex32(value, &g->device_id))
		return;
	if (strcmp(key, "name") == 0 &&
	    hl_text_copy(g->name, sizeof(g->name), value))
		return;
	if (strcmp(key, "uid") == 0) {
		g->has_uid = hex32(value, &g->uid_at);
		if (g->has_uid || strcmp(value, "none") == 0)
			return;
	}
	world_broken("device", "has a line that is not id, name or uid");
}

static void
device_file(struct target *g, const char *dir)
{
	hl_buf b = HL_BUF_INIT;
	char path[PATH_MAX], *rest = NULL, *line, *value;
	hl_err err = { 0 };
	hl_rc rc;

	rc = hl_path(path, sizeof(path), &err, "%s/device", dir);
	if (rc == HL_OK)
		rc = hl_file_read(path, DEVICE_FILE_MAX, &b, &err);
	if (rc == HL_OK && b.n > 0) {
		(void)hl_buf_str(&b);
		line = strtok_r((char *)b.p, "\r\n", &rest);
		for (; line != NULL; line = strtok_r(NULL, "\r\n", &rest)) {
			value = line + strcspn(line, " \t");
			if (*value != '\0')
				*value++ = '\0';
			device_line(g, line, value + strspn(value, " \t"));
		}
	} else if (rc != HL_OK && rc != HL_ENOTFOUND) {
		world_broken("device", err.why);
	}
	hl_buf_free(&b);
}

static bool
chip_open(struct tool *t, const char *sn)
{
	struct target *g = &t->target;
	char path[PATH_MAX];
	hl_err err = { 0 };

	if (hl_path(g->dir, sizeof(g->dir), &err, "%s/chip%s%s", t->dir,
		sn != NULL ? "-" : "", sn != NULL ? sn : "") != HL_OK ||
	    hl_path(path, sizeof(path), &err, "%s/certificate.bin", g->dir) !=
		HL_OK)
		world_broken("chip", err.why);
	if (access(g->dir, F_OK) != 0)
		return false;
	if (hl_cert_read(&g->cert, path, false, &err) != HL_OK)
		world_broken("chip", err.why);
	device_of_certificate(g);
	device_file(g, t->dir);
	device_file(g, g->dir);
	return true;
}

static void
say_device(struct tool *t, const char *id_format)
{
	const struct target *g = &t->target;
	char id[16];

	(void)snprintf(id, sizeof(id), "%0*" PRIx32,
	    strcmp(id_format, "usb") == 0 ? 4 : 3, g->device_id);
	say_field(t, "Device ID", "0x%s", id);
	if (strcmp(id_format, "usb") != 0)
		say_field(t, "Revision ID", "--");
	say_field(t, "Device name", "%s", g->name);
	say_field(t, "Flash size", "2 MBytes");
	say_field(t, "Device type", "MCU");
	say_field(t, "Device CPU", "Cortex-M33");
}

static void
say_swd(struct tool *t, const char *sn, const char *mode)
{
	const bool hot = mode != NULL && strcasecmp(mode, "hotplug") == 0;

	say_field(t, "ST-LINK SN", "%s", sn != NULL ? sn : PROBE);
	say_field(t, "ST-LINK FW", "V3J9M3B5S1");
	say_field(t, "Board", "--");
	say_field(t, "Voltage", "3%c30V", world_has(t, "comma") ? ',' : '.');
	say_field(t, "SWD freq", "24000 KHz");
	say_field(t, "Connect mode", hot ? "Hot Plug" : "Normal");
	say_field(t, "Reset mode", "Software reset");
	say_device(t, "swd");
	say_field(t, "BL Version", "0x91");
	if (!say_aligned(t))
		say(t, "SFSP Version: v1.2.0");
}

static void
say_usb(struct tool *t)
{
	say_field(t, "USB speed", "Full Speed (12MBit/s)");
	say_field(t, "Manuf. ID", "STMicroelectronics");
	say_field(t, "Product ID", "DFU in FS Mode");
	say_field(t, "SN", "207F38933036");
	say_field(t, "FW version", "0x011a");
	say_device(t, "usb");
}

static void
say_uart(struct tool *t, const char *port)
{
	say(t, "Serial Port %s is successfully opened.", port);
	say(t,
	    "Port configuration: parity = none, baudrate = 115200, "
	    "data-bit = 8, stop-bit = 1.000000, flow-control = off");
	say(t, "Activating device: OK");
	say(t, "Chip ID: 0x%" PRIx32, t->target.device_id);
	say(t, "BootLoader version: 3.1");
}

int
target_connect(struct tool *t, const struct words *w)
{
	const char *port = words_value(w, "port");
	const char *sn = words_value(w, "sn");

	if (port == NULL)
		return say_error(t, "(synthetic) no port");
	world_slow(t, "slow");
	if (!chip_open(t, sn)) /* the text is SYNTHETIC */
		return say_error(t, "(synthetic) no STM32 target found");
	if (strcasecmp(port, "swd") == 0 || strcasecmp(port, "jtag") == 0)
		say_swd(t, sn, words_value(w, "mode"));
	else if (strncasecmp(port, "usb", 3) == 0)
		say_usb(t);
	else
		say_uart(t, port);
	say(t, "%s", "");
	t->target.connected = true;
	return 0;
}

bool
target_needed(struct tool *t)
{
	if (!t->target.connected) /* SYNTHETIC */
		(void)say_error(t, "(synthetic) no connected target");
	return t->target.connected;
}

/* Over UART this was seen; over SWD only the first three lines. */
int
target_certificate(struct tool *t, const struct words *w)
{
	const hl_cert *cert = &t->target.cert;
	const char *path = words_plain(w, 0);
	FILE *f;

	if (!target_needed(t))
		return 1;
	if (path == NULL)
		return say_error(t, "(synthetic) wrong parameters");
	say(t, "Requesting Chip Certificate from connected device...");
	say(t, "Certificate File %s", path);
	if (access(path, F_OK) == 0)
		say(t, "File already exist. It will be overwritten.");
	if ((f = fopen(path, "wb")) == NULL ||
	    fwrite(cert->b, 1, cert->n, f) != cert->n || fclose(f) != 0)
		return say_error(t, "(synthetic) cannot write %s", path);
	say(t, "Get Certificate done successfully :Writing data to file %s",
	    path);
	say(t, "writing chip certificate to file %s finished successfully",
	    path);
	return 0;
}

static bool
uid_words(const struct target *g, uint32_t words[3])
{
	char path[PATH_MAX];
	hl_err err = { 0 };
	hl_uid uid;

	if (hl_path(path, sizeof(path), &err, "%s/uid.hex", g->dir) != HL_OK ||
	    hl_uid_read(&uid, path, &err) != HL_OK || uid.n != HL_UID_STM32)
		world_broken("uid.hex", err.why);
	for (size_t i = 0; i < 3; i++)
		words[i] = (uint32_t)uid.b[4 * i] |
		    (uint32_t)uid.b[4 * i + 1] << 8 |
		    (uint32_t)uid.b[4 * i + 2] << 16 |
		    (uint32_t)uid.b[4 * i + 3] << 24;
	return true;
}

/* Four words a line; the size is in bytes, rounded up to words. */
int
target_read32(struct tool *t, const struct words *w)
{
	const char *at = words_plain(w, 0), *size = words_plain(w, 1);
	uint32_t address, words[3];
	uint64_t n = 0;

	if (!target_needed(t))
		return 1;
	if (at == NULL || size == NULL || !hex32(at, &address) ||
	    !hl_text_u64(size, 12, &n) || n == 0)
		return say_error(t, "(synthetic) wrong parameters");
	say(t, "%s", "");
	say(t, "Reading 32-bit memory content");
	say(t, "  Size          : %" PRIu64 " Bytes", n);
	say(t, "  Address:      : 0x%08" PRIX32, address);
	say(t, "%s", "");
	if (!t->target.has_uid || address != t->target.uid_at ||
	    !uid_words(&t->target, words)) /* no other memory is here */
		return say_error(t, "(synthetic) cannot read memory");
	if (n <= 4)
		say(t, "0x%08" PRIX32 " : %08" PRIX32, address, words[0]);
	else if (n <= 8)
		say(t, "0x%08" PRIX32 " : %08" PRIX32 " %08" PRIX32, address,
		    words[0], words[1]);
	else
		say(t,
		    "0x%08" PRIX32 " : %08" PRIX32 " %08" PRIX32 " %08" PRIX32,
		    address, words[0], words[1], words[2]);
	return 0;
}

static void
option_bytes_path(const struct target *g, char path[PATH_MAX])
{
	hl_err err = { 0 };

	if (hl_path(path, PATH_MAX, &err, "%s/option-bytes", g->dir) != HL_OK)
		world_broken("option-bytes", err.why);
}

static void
option_bytes_read(const struct target *g, hl_buf *b)
{
	char path[PATH_MAX];
	hl_err err = { 0 };
	hl_rc rc;

	option_bytes_path(g, path);
	rc = hl_file_read(path, OPTION_BYTES_MAX, b, &err);
	if (rc == HL_ENOTFOUND)
		hl_buf_printf(b, "RDP : 0xAA (Level 0, no protection)\n");
	else if (rc != HL_OK)
		world_broken("option-bytes", err.why);
}

/* The three lines in front were seen; that the bytes follow as NAME : VALUE is
 * general knowledge, and their grouping SYNTHETIC. */
static int
option_bytes_show(struct tool *t)
{
	hl_buf b = HL_BUF_INIT;
	char *rest = NULL, *line;

	option_bytes_read(&t->target, &b);
	say(t, "UPLOADING OPTION BYTES DATA ...");
	say(t, "  Bank          : 0x00");
	say(t, "  Address       : 0x40022050");
	say(t, "  Size          : 8 Bytes");
	say(t, "%s", "");
	(void)hl_buf_str(&b);
	line = strtok_r((char *)b.p, "\r\n", &rest);
	for (; line != NULL; line = strtok_r(NULL, "\r\n", &rest))
		say(t, "     %s", line);
	hl_buf_free(&b);
	return 0;
}

/* The line's NAME is the one that `set`, NAME=VALUE, begins with. */
static bool
names(const char *line, const char *set, size_t n)
{
	line += strspn(line, " \t");
	return strncasecmp(line, set, n) == 0 &&
	    (line[n] == ':' || isspace((unsigned char)line[n]) != 0);
}

static void
option_byte_set(struct tool *t, const char *set)
{
	const size_t n = strcspn(set, "=");
	hl_buf in = HL_BUF_INIT, out = HL_BUF_INIT;
	char path[PATH_MAX], *rest = NULL, *line;
	hl_err err = { 0 };

	option_bytes_read(&t->target, &in);
	(void)hl_buf_str(&in);
	line = strtok_r((char *)in.p, "\r\n", &rest);
	for (; line != NULL; line = strtok_r(NULL, "\r\n", &rest))
		if (!names(line, set, n))
			hl_buf_printf(&out, "%s\n", line);
	hl_buf_printf(&out, "%.*s : %s\n", (int)n, set, set + n + 1);
	option_bytes_path(&t->target, path);
	if (hl_file_write(path, out.p, out.n, 0600, &err) != HL_OK)
		world_broken("option-bytes", err.why);
	hl_buf_free(&in);
	hl_buf_free(&out);
}

int
target_option_bytes(struct tool *t, const struct words *w)
{
	if (!target_needed(t))
		return 1;
	if (w->n == 1 && strcasecmp(w->w[0], "displ") == 0)
		return option_bytes_show(t);
	if (w->n == 0)
		return say_error(t, "(synthetic) wrong parameters");
	for (size_t i = 0; i < w->n; i++)
		if (strchr(w->w[i], '=') == NULL)
			return say_error(t, "(synthetic) wrong parameters");
	for (size_t i = 0; i < w->n; i++)
		option_byte_set(t, w->w[i]);
	say(t, "Time elapsed during option Bytes configuration: 00:00:02.160");
	return 0;
}
