#ifndef TESTS_HAND_LOOP_H
#define TESTS_HAND_LOOP_H

/*
 * A loop that is turned by hand, with a clock that is a number: hand_loop.c stands for io/loop.c in
 * a program that has both, so what runs on it is as in the daemon, but nothing waits and no real
 * time is read.
 */

#include "io/loop.h"

/* One turn. False when nothing was to be done in it and nothing is left for the next. */
bool hand_loop_turn(struct loop *l);

/* Lets time pass; whatever is due then happens in the next turn. */
void hand_loop_pass(struct loop *l, int64_t ns);

/* When the first timer or stall is due; CLOCK_NEVER when none is. */
int64_t hand_loop_next(const struct loop *l);

#endif
