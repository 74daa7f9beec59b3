/* What this process has used so far: the clock, the CPU and the memory of a measurement. */
#ifndef BENCH_USAGE_H
#define BENCH_USAGE_H

/* Seconds of the monotonic clock. */
double usage_now(void);

/* Seconds of CPU, user and system, of all threads. */
double usage_cpu(void);

/* The largest resident set so far, in KiB. */
long usage_peak_kb(void);

#endif
