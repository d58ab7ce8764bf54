/*
 * Owns the way from a message to its random numbers. Golden values in the tests pin it: a change
 * here changes the fate of every message of every seed.
 */
#include "core/draw.h"

#include <math.h>

/* distinguishes the two kinds of keys, and a recipient that is not there */
#define WITH_ID 0x6964ULL
#define WITHOUT_ID 0x6e7468ULL
#define NO_RECIPIENT 0x6e6f6e65ULL

static uint64_t
mix(uint64_t h, uint64_t word)
{
	uint64_t z = (h ^ word) + 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* The length goes first, so that no text can be taken for another; octets are little-endian, so
 * that every machine draws the same. */
static uint64_t
mix_text(uint64_t h, struct str s)
{
	if (!s.p)
		return mix(h, NO_RECIPIENT);
	h = mix(h, s.n);
	while (s.n > 0) {
		h = mix(h, str_word(str_head(s, 8)));
		s = str_from(s, 8);
	}
	return h;
}

uint64_t
draw_key(uint64_t seed, struct str id, struct str recipient)
{
	return mix_text(mix_text(mix(seed, WITH_ID), id), recipient);
}

uint64_t
draw_key_nth(uint64_t seed, struct str recipient, uint64_t nth)
{
	return mix(mix_text(mix(seed, WITHOUT_ID), recipient), nth);
}

uint64_t
draw_bits(uint64_t key, uint64_t attempt, enum draw_purpose purpose)
{
	return mix(mix(key, attempt), (uint64_t)purpose);
}

double
draw_unit(uint64_t bits)
{
	return ((double)(bits >> 12) + 0.5) * 0x1p-52;
}

/* c[0] + c[1] x + … + c[7] x^7 */
static double
polynomial(const double c[8], double x)
{
	double sum = c[7];
	int i;

	for (i = 6; i >= 0; i--)
		sum = sum * x + c[i];
	return sum;
}

/* The coefficients of AS 241: numerator and denominator for the middle, the tails and far out. */
static const double middle_a[8] = { 3.3871328727963666080e0, 1.3314166789178437745e+2,
	1.9715909503065514427e+3, 1.3731693765509461125e+4, 4.5921953931549871457e+4,
	6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3 };
static const double middle_b[8] = { 1.0, 4.2313330701600911252e+1, 6.8718700749205790830e+2,
	5.3941960214247511077e+3, 2.1213794301586595867e+4, 3.9307895800092710610e+4,
	2.8729085735721942674e+4, 5.2264952788528545610e+3 };
static const double tail_c[8] = { 1.42343711074968357734e0, 4.63033784615654529590e0,
	5.76949722146069140550e0, 3.64784832476320460504e0, 1.27045825245236838258e0,
	2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4 };
static const double tail_d[8] = { 1.0, 2.05319162663775882187e0, 1.67638483018380384940e0,
	6.89767334985100004550e-1, 1.48103976427480074590e-1, 1.51986665636164571966e-2,
	5.47593808499534494600e-4, 1.05075007164441684324e-9 };
static const double far_e[8] = { 6.65790464350110377720e0, 5.46378491116411436990e0,
	1.78482653991729133580e0, 2.96560571828504891230e-1, 2.65321895265761230930e-2,
	1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7 };
static const double far_f[8] = { 1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1,
	1.48753612908506148525e-2, 7.86869131145613259100e-4, 1.84631831751005468180e-5,
	1.42151175831644588870e-7, 2.04426310338993978564e-15 };

double
draw_normal(double p)
{
	double q = p - 0.5, r, z;

	if (fabs(q) <= 0.425) {
		r = 0.180625 - q * q;
		return q * polynomial(middle_a, r) / polynomial(middle_b, r);
	}
	r = sqrt(-log(q < 0 ? p : 1.0 - p));
	if (r <= 5.0)
		z = polynomial(tail_c, r - 1.6) / polynomial(tail_d, r - 1.6);
	else
		z = polynomial(far_e, r - 5.0) / polynomial(far_f, r - 5.0);
	return q < 0 ? -z : z;
}
