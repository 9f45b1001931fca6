/* SPDX-License-Identifier: Apache-2.0 */
#include "samples.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double
samples_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

samples
samples_new(const char *name, size_t size)
{
	samples s = { name, calloc(size, sizeof(double)), 0, size };

	if (s.us == NULL) {
		(void)fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return s;
}

void
samples_free(samples *s)
{
	free(s->us);
	*s = (samples){ .name = NULL };
}

void
samples_add(samples *s, double us)
{
	if (s->n < s->size)
		s->us[s->n++] = us;
}

static int
compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of sorted numbers; between two of them on a straight line. */
static double
quantile(const double *v, size_t n, double q)
{
	const double at = q * (double)(n - 1);
	const size_t i = (size_t)at;

	if (i + 1 >= n)
		return v[n - 1];
	return v[i] + (at - (double)i) * (v[i + 1] - v[i]);
}

static void
print_ratios(const samples *s, const samples *base)
{
	samples r = samples_new("", s->n);

	for (size_t i = 0; i < s->n && i < base->n; i++)
		samples_add(&r, s->us[i] / base->us[i]);
	qsort(r.us, r.n, sizeof(*r.us), compare);
	(void)printf("\t%.3f\t%.3f\t%.3f\n", quantile(r.us, r.n, 0.5),
	    quantile(r.us, r.n, 0.25), quantile(r.us, r.n, 0.75));
	samples_free(&r);
}

void
samples_print(const samples *s, const samples *base)
{
	samples v;

	if (s->n == 0 || (base != NULL && base->n == 0))
		return;
	v = samples_new(s->name, s->n);
	memcpy(v.us, s->us, s->n * sizeof(*v.us));
	qsort(v.us, s->n, sizeof(*v.us), compare);
	(void)printf("%s\t%zu\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f", s->name, s->n,
	    quantile(v.us, s->n, 0.5), quantile(v.us, s->n, 0.25),
	    quantile(v.us, s->n, 0.75), v.us[0], v.us[s->n - 1]);
	samples_free(&v);
	if (base != NULL)
		print_ratios(s, base);
	else
		(void)printf("\t-\t-\t-\n");
}

size_t
samples_count(const char *text, size_t max)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
	    v < 1 || v > max) {
		(void)fprintf(
		    stderr, "a number of 1 to %zu is wanted: %s\n", max, text);
		exit(2);
	}
	return (size_t)v;
}
