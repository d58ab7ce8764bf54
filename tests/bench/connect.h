/* The way to a server under load. Who cannot go on ends the program. */
#ifndef BENCH_CONNECT_H
#define BENCH_CONNECT_H

#include <stddef.h>
#include <stdint.h>

/* A stream socket connected to `address`, which is host:port in numbers or unix:PATH. */
int connect_to(const char *address);

/* Writes all of it, waiting for room if there is none. */
void write_all(int fd, const char *p, size_t n);

/* CLOCK_MONOTONIC. */
int64_t now_ns(void);

/* Says why on standard error, with errno if there is one, and exits with 1. */
_Noreturn void give_up(const char *what);

#endif
