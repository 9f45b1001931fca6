/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for libFuzzer where there is none: hands every file of the given
 * directories and files to the harness once. No input at all is a failure, so
 * that a corpus that moved away is noticed.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
fail(const char *path)
{
	fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
	return -1;
}

/* A heap copy of its exact size, so that a read too far is seen. */
static int
replay_file(const char *path, size_t size)
{
	uint8_t *p = malloc(size);
	FILE *f = fopen(path, "rb");
	int r = -1;

	if (f == NULL || (p == NULL && size > 0)) {
		fail(path);
		goto out;
	}
	if (fread(p, 1, size, f) != size) {
		fail(path);
		goto out;
	}
	if (LLVMFuzzerTestOneInput(p, size) != 0) {
		fprintf(stderr, "replay: %s: refused by harness\n", path);
		goto out;
	}
	r = 1;
out:
	if (f != NULL)
		fclose(f);
	free(p);
	return r;
}

static int replay(const char *path);

static int
replay_dir(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	char inner[PATH_MAX];
	int count = 0, n;

	if (d == NULL)
		return fail(path);
	while (count >= 0 && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		n = snprintf(inner, sizeof(inner), "%s/%s", path, e->d_name);
		if (n < 0 || (size_t)n >= sizeof(inner)) {
			errno = ENAMETOOLONG;
			count = fail(path);
			break;
		}
		n = replay(inner);
		count = n < 0 ? n : count + n;
	}
	closedir(d);
	return count;
}

/* How many inputs were replayed; -1 after saying why not. */
static int
replay(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return fail(path);
	if (S_ISDIR(st.st_mode))
		return replay_dir(path);
	return replay_file(path, (size_t)st.st_size);
}

int
main(int argc, char **argv)
{
	int count = 0;

	for (int i = 1; i < argc; i++) {
		const int n = replay(argv[i]);

		if (n < 0)
			return 1;
		count += n;
	}
	if (count == 0) {
		fprintf(stderr, "replay: no input to replay\n");
		return 1;
	}
	printf("replayed %d inputs\n", count);
	return 0;
}
