/*
 * Owns the settings of delivery in the form in which they are asked: the domains sorted by name, so
 * that each label of a recipient's domain costs one binary search.
 */
#include "core/delivery_conf.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/address.h"

/* Domains that cannot exist (RFC 2606, RFC 6761), and those of the simulators of mail providers. */
static const char *const reserved[] = { "test", "*.test", "example", "*.example", "invalid",
	"*.invalid", "localhost", "*.localhost", "example.com", "*.example.com", "example.net",
	"*.example.net", "example.org", "*.example.org" };
static const char *const providers[] = { "simulator.amazonses.com",
	"bounce-testing.postmarkapp.com", "blackhole.postmarkapp.com", "resend.dev",
	"sink.sendgrid.net", "sink.sparkpostmail.com", "*.sink.sparkpostmail.com" };

static const struct {
	const char *word;
	const char *const *domains;
	size_t n;
} groups[] = {
	{ "reserved", reserved, sizeof reserved / sizeof reserved[0] },
	{ "providers", providers, sizeof providers / sizeof providers[0] },
};

#define GROUPS_N (sizeof groups / sizeof groups[0])

/* Which group the word stands for; GROUPS_N when it is a pattern. */
static size_t
find_group(struct str word)
{
	size_t i;

	for (i = 0; i < GROUPS_N; i++)
		if (str_eq(word, str_of(groups[i].word)))
			break;
	return i;
}

static int
compare_names(struct str a, struct str b)
{
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return order != 0 ? order : a.n < b.n ? -1 : a.n > b.n;
}

static int
compare_strs(const void *a, const void *b)
{
	const struct str *x = a, *y = b;

	return compare_names(*x, *y);
}

static int
compare_domains(const void *a, const void *b)
{
	const struct domain_conf *x = a, *y = b;

	return compare_names(x->name, y->name);
}

static void
add_name(struct domain_names *names, struct str name)
{
	names->at = mem_resize_array(names->at, names->n + 1, sizeof names->at[0]);
	names->at[names->n++] = name;
}

/* s in small letters, at *at, which moves on. */
static struct str
keep_small(char **at, struct str s)
{
	struct str copy = { *at, s.n };
	size_t i;

	for (i = 0; i < s.n; i++)
		(*at)[i] = str_small(s.p[i]);
	*at += s.n;
	return copy;
}

static void
keep_parts(struct domain_conf *d)
{
	d->fate = fate_ref(d->fate);
	d->latency = latency_copy(&d->latency);
	d->connect = latency_copy(&d->connect);
}

struct delivery_conf *
delivery_conf_new(struct outcome_set *outcomes, const struct domain_conf *all,
    const struct domain_conf *domains, size_t n, struct str magic)
{
	struct delivery_conf *conf = mem_alloc(sizeof *conf);
	size_t i, octets = magic.n;
	struct str pattern;
	char *at;

	for (i = 0; i < n; i++)
		octets += domains[i].name.n;
	conf->refs = 1;
	conf->outcomes = outcome_set_ref(outcomes);
	conf->all = *all;
	keep_parts(&conf->all);
	at = conf->text = mem_alloc(octets + 1);
	conf->domains = mem_alloc_array(n + 1, sizeof conf->domains[0]);
	for (conf->n = 0; conf->n < n; conf->n++) {
		struct domain_conf *d = &conf->domains[conf->n];

		*d = domains[conf->n];
		d->name = keep_small(&at, d->name);
		keep_parts(d);
	}
	if (n > 1)
		qsort(conf->domains, n, sizeof conf->domains[0], compare_domains);
	while ((pattern = str_next_word(&magic)).n > 0) {
		size_t group = find_group(pattern);

		for (i = 0; group < GROUPS_N && i < groups[group].n; i++)
			add_name(&conf->magic, str_of(groups[group].domains[i]));
		if (group == GROUPS_N)
			add_name(&conf->magic, keep_small(&at, pattern));
	}
	if (conf->magic.n > 1)
		qsort(conf->magic.at, conf->magic.n, sizeof conf->magic.at[0], compare_strs);
	for (i = 0; i < conf->n; i++)
		add_name(&conf->names, conf->domains[i].name);
	return conf;
}

struct delivery_conf *
delivery_conf_ref(struct delivery_conf *conf)
{
	conf->refs++;
	return conf;
}

static void
drop_parts(struct domain_conf *d)
{
	fate_unref(d->fate);
	latency_fini(&d->latency);
	latency_fini(&d->connect);
}

void
delivery_conf_unref(struct delivery_conf *conf)
{
	size_t i;

	if (!conf || --conf->refs > 0)
		return;
	drop_parts(&conf->all);
	for (i = 0; i < conf->n; i++)
		drop_parts(&conf->domains[i]);
	outcome_set_unref(conf->outcomes);
	free(conf->domains);
	free(conf->magic.at);
	free(conf->names.at);
	free(conf->text);
	free(conf);
}

/* The place of that very name; names->n when it is not there. */
static size_t
find_name(const struct domain_names *names, struct str name)
{
	size_t lo = 0, hi = names->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = compare_names(names->at[mid], name);

		if (order == 0)
			return mid;
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return names->n;
}

/* The place of the nearest name or pattern that means the domain; names->n when there is none. */
static size_t
find_domain(const struct domain_names *names, struct str domain)
{
	char text[ADDRESS_DOMAIN_MAX + 1], *at = text + 1;
	size_t i, found;
	struct str name;

	if (names->n == 0 || !domain.p || domain.n == 0 || domain.n > ADDRESS_DOMAIN_MAX)
		return names->n;
	name = keep_small(&at, domain);
	found = find_name(names, name);
	/* "*" stands in for what is in front of each dot in turn */
	for (i = 1; found == names->n && i < name.n; i++) {
		if (text[1 + i] != '.')
			continue;
		text[i] = '*';
		found = find_name(names, (struct str){ text + i, name.n - i + 1 });
	}
	return found < names->n ? found : find_name(names, STR("*"));
}

const struct domain_conf *
delivery_conf_find(const struct delivery_conf *conf, struct str domain)
{
	size_t i = find_domain(&conf->names, domain);

	return i < conf->n ? &conf->domains[i] : &conf->all;
}

bool
delivery_conf_is_magic(const struct delivery_conf *conf, struct str domain)
{
	return find_domain(&conf->magic, domain) < conf->magic.n;
}

bool
domain_conf_is_limited(const struct domain_conf *d)
{
	return d->name.p && (d->concurrency != DELIVERY_UNLIMITED || d->rate.n > 0);
}

bool
domain_conf_is_watched(const struct domain_conf *d)
{
	return d->name.p && d->receiver_rate.n > 0;
}

bool
delivery_conf_has_work(const struct delivery_conf *conf)
{
	size_t i;

	for (i = 0; i < conf->n; i++)
		if (conf->domains[i].work_ns > 0)
			return true;
	return conf->all.work_ns > 0;
}

const char *
delivery_conf_check_magic(struct str patterns)
{
	struct str pattern;
	const char *why = NULL;

	while (!why && (pattern = str_next_word(&patterns)).n > 0)
		if (find_group(pattern) == GROUPS_N)
			why = address_check_domain(pattern);
	return why;
}
