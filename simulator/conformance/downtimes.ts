import type { SimulatedEvent } from '../simulated-event.ts';
import type { Fields, Deployment } from './deployment.ts';

type Name = 'payment.downtime.started' | 'payment.downtime.updated' | 'payment.downtime.resolved';

/** One downtime of a bank that nobody else has. */
const downtimeOf = (deployment: Deployment, bank: string) => {
  const id = deployment.id('down_');
  const event = (name: Name, second: number, more: Fields = {}): SimulatedEvent =>
    deployment.event(name, second, { id, method: 'netbanking', instrument: { bank }, ...more });
  return { id, event };
};

/** Demands what is advised for a bank: `hide`, `warn`, or null where all is well. */
const advised = async (deployment: Deployment, bank: string, advice: 'hide' | 'warn' | null): Promise<void> =>
  deployment.demand(
    `the advice for the bank ${bank}`,
    `SELECT min(advice) AS advice FROM downtimes_in_force WHERE bank = $1`,
    [bank],
    [{ advice }],
  );

/**
 * BP-17: hide on high, warn on medium and low, restore on resolved;
 * in any order, also where two overlap or one comes twice.
 */
export const downtimes = async (deployment: Deployment): Promise<void> => {
  const bank = deployment.id('');
  const { event } = downtimeOf(deployment, bank);
  const started = event('payment.downtime.started', 0, { severity: 'high' });
  await deployment.deliver(started);
  await advised(deployment, bank, 'hide');
  await deployment.deliver(event('payment.downtime.updated', 60, { severity: 'medium' }));
  await advised(deployment, bank, 'warn');
  await deployment.deliver(event('payment.downtime.updated', 120, { severity: 'high' }), started);
  await advised(deployment, bank, 'hide');
  await deployment.deliver(event('payment.downtime.resolved', 180, { severity: 'high' }));
  await advised(deployment, bank, null);

  const [unstarted, early] = [deployment.id(''), deployment.id('')];
  await deployment.deliver(downtimeOf(deployment, unstarted).event('payment.downtime.resolved', 60));
  await advised(deployment, unstarted, null);
  const late = downtimeOf(deployment, early);
  await deployment.deliver(
    late.event('payment.downtime.updated', 60, { severity: 'low' }),
    late.event('payment.downtime.started', 0, { severity: 'high' }),
  );
  await advised(deployment, early, 'warn');
  await deployment.deliver(late.event('payment.downtime.resolved', 120));
  await deployment.row('downtimes', late.id, { status: 'resolved' });
  await advised(deployment, early, null);

  const twice = deployment.id('');
  const [one, two] = [downtimeOf(deployment, twice), downtimeOf(deployment, twice)];
  await deployment.deliver(
    one.event('payment.downtime.started', 0, { severity: 'high' }),
    two.event('payment.downtime.started', 30, { severity: 'high' }),
    one.event('payment.downtime.resolved', 60),
  );
  await deployment.row('downtimes', one.id, { status: 'resolved' });
  await advised(deployment, twice, 'hide');
  // Nothing of this is left in force.
  await deployment.deliver(two.event('payment.downtime.resolved', 90));
  await advised(deployment, twice, null);
};
