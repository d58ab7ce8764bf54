#ifndef CORE_DRAW_H
#define CORE_DRAW_H

/*
 * Chance as a function: the same seed, message, attempt and purpose give the same draw, whatever
 * else is going on. Each step is the finalizer of SplitMix64 (Steele, Lea and Flood, 2014), chained
 * over what goes in.
 */

#include <stdint.h>

#include "base/str.h"

/* What a draw is for. The numbers go into the draws: they are never changed, only added to. */
enum draw_purpose {
	DRAW_OUTCOME = 1,
	DRAW_CONNECT = 2,
	DRAW_LATENCY = 3,
	DRAW_JITTER = 4,
	DRAW_FAULT_DELAY = 5,
	DRAW_FAULT_DROP = 6,
	DRAW_FAULT_FAIL = 7,
	DRAW_FAULT_DROP_AFTER = 8,
};

/* The key of a message that was given an id. A recipient that is not there is not an empty one. */
uint64_t draw_key(uint64_t seed, struct str id, struct str recipient);

/* The key of the nth message (from 1) without id that this recipient has had. */
uint64_t draw_key_nth(uint64_t seed, struct str recipient, uint64_t nth);

/* 64 random bits for that attempt (from 1; 0 for what is drawn once a message). */
uint64_t draw_bits(uint64_t key, uint64_t attempt, enum draw_purpose purpose);

/* Bits as a number between 0 and 1, neither of them ever: ((bits >> 12) + 0.5) * 2^-52. */
double draw_unit(uint64_t bits);

/* The quantile function of the standard normal distribution: Wichura's AS 241 (PPND16), to about
 * 1 part in 10^16. 0 < p < 1. */
double draw_normal(double p);

#endif
