/*
 * Owns the parts and the order of time. Invariant: now_ns never passes a moment that is due and
 * not fired, and never goes back, so events come in the order of their times.
 */
#include "core/simulator.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/batch.h"
#include "core/delivery.h"
#include "core/intake.h"

struct simulator *
simulator_new(const struct simulator_conf *conf, const struct clock_conf *clock, uint64_t seed,
    uint64_t hash_seed, int64_t real_ns, int64_t wall_ns)
{
	const struct domain_conf *all = &conf->delivery->all;
	struct simulator *sim = mem_alloc(sizeof *sim);

	sim->conf = *conf;
	delivery_conf_ref(sim->conf.delivery);
	sim->plan = plan_new(conf->delivery, seed);
	sim->clock_conf = *clock;
	clock_start(&sim->clock, clock, real_ns, wall_ns);
	sim->start_ns = sim->now_ns = clock_now(&sim->clock, real_ns);
	sim->real_ns = real_ns;
	sim->start_seed = sim->seed = seed;
	sim->next_seq = 1;
	sim->next_batch = 1;
	tally_init(&sim->tally);
	list_init(&sim->owners);
	bus_init(&sim->bus);
	schedule_init(&sim->schedule, sim->now_ns);
	lanes_init(&sim->lanes, all->concurrency, &all->rate);
	registry_init(&sim->registry, hash_seed);
	sequel_init(&sim->sequels);
	duplicates_init(&sim->duplicates, hash_seed);
	history_init(&sim->history);
	rules_init(&sim->rules);
	outages_init(&sim->outages);
	destinations_init(&sim->destinations, hash_seed);
	return sim;
}

void
simulator_free(struct simulator *sim)
{
	size_t i;

	lanes_fini(&sim->lanes);
	for (i = 0; i < sim->registry.n; i++)
		if (sim->registry.entries[i].batch)
			batch_free(sim->registry.entries[i].batch);
	registry_fini(&sim->registry);
	schedule_fini(&sim->schedule);
	alarms_fini(&sim->alarms);
	history_fini(&sim->history);
	sequel_fini(&sim->sequels);
	duplicates_fini(&sim->duplicates);
	bus_fini(&sim->bus);
	rules_fini(&sim->rules);
	outages_fini(&sim->outages);
	destinations_fini(&sim->destinations);
	plan_unref(sim->plan);
	delivery_conf_unref(sim->conf.delivery);
	buf_fini(&sim->scratch_to);
	buf_fini(&sim->scratch_id);
	buf_fini(&sim->scratch_key_to);
	free(sim);
}

static void
renew_plan(struct simulator *sim)
{
	plan_unref(sim->plan);
	sim->plan = plan_new(sim->conf.delivery, sim->seed);
}

size_t
simulator_configure(struct simulator *sim, const struct simulator_conf *conf)
{
	const struct domain_conf *all = &conf->delivery->all;
	struct delivery_conf *old = sim->conf.delivery;
	size_t gone = rules_reload(&sim->rules, conf->delivery->outcomes);

	sim->conf = *conf;
	delivery_conf_ref(sim->conf.delivery);
	delivery_conf_unref(old);
	bus_forget(&sim->bus);
	renew_plan(sim);
	lanes_set_limits(&sim->lanes, &sim->lanes.all, all->concurrency, &all->rate, sim->now_ns);
	destinations_configure(&sim->destinations, &sim->lanes, sim->conf.delivery, sim->now_ns);
	delivery_requeue(sim);
	history_trim(sim);
	return gone;
}

void
simulator_set_seed(struct simulator *sim, uint64_t seed)
{
	sim->seed = seed;
	renew_plan(sim);
}

void
simulator_set_scale(struct simulator *sim, int64_t real_ns, int64_t scale, bool is_max)
{
	clock_set_scale(&sim->clock, real_ns, scale, is_max);
}

void
simulator_advance(struct simulator *sim, int64_t real_ns, int64_t to_ns)
{
	clock_jump(&sim->clock, real_ns, to_ns);
}

static void
reset_tallies(struct simulator *sim)
{
	struct list *l;

	tally_reset(&sim->tally, sim);
	list_foreach (l, &sim->owners)
		tally_reset(&list_entry(l, struct owner, link)->tally, sim);
}

void
simulator_reset(struct simulator *sim, int64_t real_ns, int64_t wall_ns)
{
	const struct domain_conf *all = &sim->conf.delivery->all;
	uint64_t hash_seed = sim->destinations.hash_seed;

	history_clear(sim);
	lanes_fini(&sim->lanes);
	lanes_init(&sim->lanes, all->concurrency, &all->rate);
	destinations_fini(&sim->destinations);
	destinations_init(&sim->destinations, hash_seed);
	rules_fini(&sim->rules);
	rules_init(&sim->rules);
	outages_fini(&sim->outages);
	sequel_fini(&sim->sequels);
	sequel_init(&sim->sequels);
	duplicates_fini(&sim->duplicates);
	duplicates_init(&sim->duplicates, hash_seed);
	clock_start(&sim->clock, &sim->clock_conf, real_ns, wall_ns);
	sim->start_ns = sim->now_ns = clock_now(&sim->clock, real_ns);
	schedule_fini(&sim->schedule);
	schedule_init(&sim->schedule, sim->now_ns);
	sim->needs_refill = false;
	sim->next_seq = sim->next_batch = 1;
	sim->n_rejected = 0;
	bus_forget(&sim->bus);
	simulator_set_seed(sim, sim->start_seed);
	reset_tallies(sim);
	sim->era++;
	while (alarms_next(&sim->alarms) != CLOCK_NEVER)
		alarms_ring(&sim->alarms);
}

/*
 * One step, if there is one to make by then: fires what is due at this moment; when all of that is
 * fired, gives free slots to who waits; when nobody can take one, rings; then goes to the next
 * moment.
 */
static bool
step(struct simulator *sim, int64_t until_ns)
{
	int64_t opening = lanes_opening(&sim->lanes, sim->now_ns);
	int64_t alarm = alarms_next(&sim->alarms), limit = opening < until_ns ? opening : until_ns;
	struct message *m;

	if (sim->needs_refill)
		limit = sim->now_ns;
	else if (alarm < limit)
		limit = alarm;
	m = schedule_first(&sim->schedule, limit);

	if (m) {
		sim->now_ns = m->due_ns;
		delivery_fire(sim, m);
	} else if (sim->needs_refill) {
		delivery_refill(sim);
	} else if (opening <= limit) {
		sim->now_ns = opening;
		lanes_open(&sim->lanes, opening);
		sim->needs_refill = true;
	} else if (alarm <= limit) {
		sim->now_ns = alarm;
		sim->has_news = true;
		alarms_ring(&sim->alarms);
	} else {
		return false;
	}
	history_trim(sim);
	return true;
}

bool
simulator_run(struct simulator *sim, int64_t real_ns, uint32_t slice)
{
	int64_t target = clock_now(&sim->clock, real_ns);

	sim->real_ns = real_ns;
	history_trim(sim);
	do {
		if (bus_is_congested(&sim->bus) || slice-- == 0)
			return false;
	} while (step(sim, target));
	if (target > sim->now_ns)
		sim->now_ns = target;
	return true;
}

void
simulator_settle(struct simulator *sim)
{
	uint32_t slice = SIMULATOR_SLICE;

	while (slice-- > 0 && !bus_is_congested(&sim->bus) && step(sim, sim->now_ns))
		;
}

/* The moment of the next step; CLOCK_NEVER when there is none. */
static int64_t
next_moment(struct simulator *sim)
{
	int64_t opening = lanes_opening(&sim->lanes, sim->now_ns),
		alarm = alarms_next(&sim->alarms);
	int64_t limit = alarm < opening ? alarm : opening;
	struct message *m;

	if (sim->needs_refill)
		return sim->now_ns;
	m = schedule_first(&sim->schedule, limit);
	return m ? m->due_ns : limit;
}

bool
simulator_jump(struct simulator *sim, int64_t real_ns, uint32_t slice, bool wants_room)
{
	int64_t next;

	sim->real_ns = real_ns;
	sim->has_news = false;
	while (!bus_is_congested(&sim->bus) && !sim->has_news &&
	    !(wants_room && intake_is_possible(sim))) {
		next = next_moment(sim);
		if (next == CLOCK_NEVER)
			return false;
		clock_jump(&sim->clock, real_ns, next);
		/* the first of these always happens, so now_ns is where the schedule is */
		while (step(sim, sim->clock.simulated_base))
			if (slice-- == 0 || bus_is_congested(&sim->bus))
				return true;
	}
	return true;
}

bool
simulator_has_next(const struct simulator *sim)
{
	return sim->schedule.n > 0 || sim->needs_refill || alarms_next(&sim->alarms) != CLOCK_NEVER;
}

bool
simulator_has_by(struct simulator *sim, int64_t real_ns)
{
	int64_t until = clock_now(&sim->clock, real_ns);

	if (sim->clock.is_max)
		return simulator_has_next(sim);
	return sim->needs_refill || lanes_opening(&sim->lanes, sim->now_ns) <= until ||
	    alarms_next(&sim->alarms) <= until || schedule_has_by(&sim->schedule, until);
}

int64_t
simulator_deadline(struct simulator *sim)
{
	int64_t due = schedule_deadline(&sim->schedule),
		opening = lanes_opening(&sim->lanes, sim->now_ns),
		alarm = alarms_next(&sim->alarms), real;

	if (!clock_is_running(&sim->clock))
		return CLOCK_NEVER;
	if (sim->needs_refill)
		due = sim->now_ns;
	if (opening < due)
		due = opening;
	real = clock_real_at(&sim->clock, alarm < due ? alarm : due);
	if (real >= CLOCK_NEVER - TEXT_NS_PER_MS)
		return CLOCK_NEVER;
	return (real + TEXT_NS_PER_MS - 1) / TEXT_NS_PER_MS * TEXT_NS_PER_MS;
}
