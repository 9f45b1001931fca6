/* SPDX-License-Identifier: Apache-2.0 */
/* A chip's certificate on its way out, to be carried to where the card is. */
#ifndef HL_CLI_CHIP_PUT_H
#define HL_CLI_CHIP_PUT_H

#include "cli/cli.h"

/*
 * Writes a certificate to `to`: a file, or a folder (one that is there, or a
 * path that ends with '/'), which gets NAME.certificate.bin and NAME.chip.json
 * with the UID. What was written of the certificate is in *path, the caller's
 * (free()); in a dry run what would be. HL_EEXIST: other content is there.
 */
HL_CHECK hl_rc hl_chip_put(hl_cli *cli, const char *to, const hl_cert *cert,
    const hl_uid *uid, char **path, hl_err *err);

#endif
