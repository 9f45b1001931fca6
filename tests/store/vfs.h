/* SPDX-License-Identifier: Apache-2.0 */
/* An SQLite VFS around the system's own that can be told to fail. */
#ifndef TEST_STORE_VFS_H
#define TEST_STORE_VFS_H

#include <stdbool.h>

enum vfs_op { VFS_SYNC, VFS_WRITE, VFS_TRUNCATE, VFS_READ };

/* Makes it the default. */
void vfs_install(void);
/* The n-th such operation from now on fails, once; 0: none does. */
void vfs_break(int op, int n);
/* The process is killed before it. */
void vfs_kill(int op, int n);
bool vfs_fired(void);

#endif
