import type { SimulatedEvent } from '../simulated-event.ts';
import type { Fields, World } from './world.ts';

type Name = 'payment.downtime.started' | 'payment.downtime.updated' | 'payment.downtime.resolved';

/** One downtime of a bank that nobody else has. */
const downtimeOf = (world: World, bank: string) => {
  const id = world.id('down_');
  const event = (name: Name, second: number, more: Fields = {}): SimulatedEvent =>
    world.event(name, second, { id, method: 'netbanking', instrument: { bank }, ...more });
  return { id, event };
};

/** Demands what is advised for a bank: `hide`, `warn`, or null where all is well. */
const advised = async (world: World, bank: string, advice: 'hide' | 'warn' | null): Promise<void> =>
  world.demand(
    `the advice for the bank ${bank}`,
    `SELECT min(advice) AS advice FROM downtimes_in_force WHERE bank = $1`,
    [bank],
    [{ advice }],
  );

/**
 * BP-17: hide on high, warn on medium and low, restore on resolved;
 * in any order, also where two overlap or one comes twice.
 */
export const downtimes = async (world: World): Promise<void> => {
  const bank = world.id('');
  const { event } = downtimeOf(world, bank);
  const started = event('payment.downtime.started', 0, { severity: 'high' });
  await world.deliver(started);
  await advised(world, bank, 'hide');
  await world.deliver(event('payment.downtime.updated', 60, { severity: 'medium' }));
  await advised(world, bank, 'warn');
  await world.deliver(event('payment.downtime.updated', 120, { severity: 'high' }), started);
  await advised(world, bank, 'hide');
  await world.deliver(event('payment.downtime.resolved', 180, { severity: 'high' }));
  await advised(world, bank, null);

  const [unstarted, early] = [world.id(''), world.id('')];
  await world.deliver(downtimeOf(world, unstarted).event('payment.downtime.resolved', 60));
  await advised(world, unstarted, null);
  const late = downtimeOf(world, early);
  await world.deliver(
    late.event('payment.downtime.updated', 60, { severity: 'low' }),
    late.event('payment.downtime.started', 0, { severity: 'high' }),
  );
  await advised(world, early, 'warn');
  await world.deliver(late.event('payment.downtime.resolved', 120));
  await world.row('downtimes', late.id, { status: 'resolved' });
  await advised(world, early, null);

  const twice = world.id('');
  const [one, two] = [downtimeOf(world, twice), downtimeOf(world, twice)];
  await world.deliver(
    one.event('payment.downtime.started', 0, { severity: 'high' }),
    two.event('payment.downtime.started', 30, { severity: 'high' }),
    one.event('payment.downtime.resolved', 60),
  );
  await world.row('downtimes', one.id, { status: 'resolved' });
  await advised(world, twice, 'hide');
  // Nothing of this is left in force.
  await world.deliver(two.event('payment.downtime.resolved', 90));
  await advised(world, twice, null);
};
