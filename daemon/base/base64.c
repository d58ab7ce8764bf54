/*
 * Owns Base64. Takes lengths, keeps nothing.
 */
#include "base/base64.h"

#include <stdint.h>

#define NO_DIGIT 64

static uint32_t
digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0') + 52;
	return c == '+' ? 62 : c == '/' ? 63 : NO_DIGIT;
}

bool
base64_decode(struct str s, char *out, size_t *out_n)
{
	size_t n = 0, padding = 0;

	while (padding < 2 && padding < s.n && s.p[s.n - 1 - padding] == '=')
		padding++;
	if (s.n % 4 != 0)
		return false;
	for (size_t i = 0; i < s.n; i += 4) {
		size_t digits = i + 4 == s.n ? 4 - padding : 4;
		uint32_t group = 0;

		for (size_t j = 0; j < 4; j++) {
			uint32_t value = j < digits ? digit(s.p[i + j]) : 0;

			if (value == NO_DIGIT)
				return false;
			group = group << 6 | value;
		}
		if ((group & ((1U << (8 * (4 - digits))) - 1)) != 0)
			return false; /* bits that no octet has */
		for (size_t j = 0; j + 1 < digits; j++)
			out[n++] = (char)(group >> (16 - 8 * j) & 0xff);
	}
	*out_n = n;
	return true;
}
