/* SPDX-License-Identifier: Apache-2.0 */
/* Times of one thing measured, and how a benchmark prints them. */
#ifndef HSMLIC_BENCH_SAMPLES_H
#define HSMLIC_BENCH_SAMPLES_H

#include <stddef.h>

typedef struct samples {
	const char *name;
	double *us; /* one for each round, in their order */
	size_t n, size;
} samples;

/* Microseconds of the monotonic clock. */
double samples_now(void);

/* Room for `size` rounds; the program ends (exit 1) when there is none. */
samples samples_new(const char *name, size_t size);
void samples_free(samples *s);
/* Past the end it is dropped. */
void samples_add(samples *s, double us);

/*
 * One line on stdout, fields parted by tabs: name, rounds, median, first and
 * third quartile, least and greatest time (microseconds), then the median and
 * the quartiles of the ratio to `base` in the same round. Ratios by round and
 * not of the medians: what slows the machine down for a while slows both.
 * base NULL: "-" for the three.
 */
void samples_print(const samples *s, const samples *base);

/* A decimal number of 1 to max; the program ends (exit 2) on anything else. */
size_t samples_count(const char *text, size_t max);

#endif
