/* SPDX-License-Identifier: Apache-2.0 */
/* A store with a row in every table and an event of every kind. */
#ifndef TEST_STORE_EVERYTHING_H
#define TEST_STORE_EVERYTHING_H

#include "store/fixture.h"

void everything_make(fixture *f);
/* Every kind of event that there is; NULL ends them. */
extern const char *const everything_kinds[];

#endif
