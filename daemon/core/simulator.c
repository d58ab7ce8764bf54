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
	struct simulator *sim = mem_alloc(sizeof *sim);

	sim->conf = *conf;
	sim->plan = plan_new(&conf->delivery, seed);
	clock_start(&sim->clock, clock, real_ns, wall_ns);
	sim->now_ns = clock_now(&sim->clock, real_ns);
	sim->real_ns = real_ns;
	sim->seed = seed;
	sim->next_seq = 1;
	sim->next_batch = 1;
	tally_init(&sim->tally);
	bus_init(&sim->bus);
	schedule_init(&sim->schedule, sim->now_ns);
	lanes_init(&sim->lanes, conf->delivery.concurrency);
	registry_init(&sim->registry, hash_seed);
	sequel_init(&sim->sequels);
	history_init(&sim->history);
	return sim;
}

void
simulator_free(struct simulator *sim)
{
	size_t i;

	for (i = 0; i < sim->registry.n; i++)
		if (sim->registry.entries[i].batch)
			batch_free(sim->registry.entries[i].batch);
	registry_fini(&sim->registry);
	sequel_fini(&sim->sequels);
	bus_fini(&sim->bus);
	plan_unref(sim->plan);
	free(sim);
}

void
simulator_configure(struct simulator *sim, const struct simulator_conf *conf)
{
	struct plan *old = sim->plan;

	sim->conf = *conf;
	sim->plan = plan_new(&conf->delivery, sim->seed);
	plan_unref(old);
	sim->lanes.concurrency = conf->delivery.concurrency;
	sim->needs_refill = true;
	history_trim(sim);
}

/* One moment, if there is one that is due by then. */
static bool
fire_next(struct simulator *sim, int64_t until_ns)
{
	struct message *m = schedule_first(&sim->schedule, until_ns);

	if (!m)
		return false;
	sim->now_ns = m->due_ns;
	delivery_fire(sim, m);
	history_trim(sim);
	return true;
}

bool
simulator_run(struct simulator *sim, int64_t real_ns, uint32_t slice)
{
	int64_t target = clock_now(&sim->clock, real_ns);

	sim->real_ns = real_ns;
	history_trim(sim);
	if (!delivery_refill(sim, slice))
		return false;
	do {
		if (bus_is_congested(&sim->bus) || slice-- == 0)
			return false;
	} while (fire_next(sim, target));
	if (target > sim->now_ns)
		sim->now_ns = target;
	return true;
}

void
simulator_settle(struct simulator *sim)
{
	while (!bus_is_congested(&sim->bus) && fire_next(sim, sim->now_ns))
		;
}

bool
simulator_jump(struct simulator *sim, int64_t real_ns, uint32_t slice, bool wants_room)
{
	struct message *m;

	sim->real_ns = real_ns;
	sim->has_news = false;
	while (!bus_is_congested(&sim->bus) && !sim->has_news &&
	    !(wants_room && intake_is_possible(sim))) {
		m = schedule_first(&sim->schedule, CLOCK_NEVER);
		if (!m)
			return false;
		clock_jump(&sim->clock, real_ns, m->due_ns);
		/* the first of these always fires, so now_ns is where the schedule is */
		while (fire_next(sim, sim->clock.simulated_base))
			if (slice-- == 0 || bus_is_congested(&sim->bus))
				return true;
	}
	return true;
}

int64_t
simulator_deadline(struct simulator *sim)
{
	int64_t real;

	if (!clock_is_running(&sim->clock))
		return CLOCK_NEVER;
	real = clock_real_at(&sim->clock, schedule_deadline(&sim->schedule));
	if (real >= CLOCK_NEVER - TEXT_NS_PER_MS)
		return CLOCK_NEVER;
	return (real + TEXT_NS_PER_MS - 1) / TEXT_NS_PER_MS * TEXT_NS_PER_MS;
}
