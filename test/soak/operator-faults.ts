import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '#kit';
import { buildEvent } from '#simulator';
import { thisSecond } from '../kit/system-fixture.ts';
import type { Fault, Fixture } from './fixture.ts';

const BUG_MS = { min: 2_000, max: 6_000 } as const;
const PARKED_WITHIN_MS = 60_000;
const DELIVERED_WITHIN_MS = 60_000;

/** Events that the soak sent beside its simulations, each of which an operator gave up. */
export interface OperatorActs {
  readonly faults: readonly Fault[];
  readonly discarded: () => number;
}

const retryAll = (system: Fixture['system']): Promise<unknown> => system.dakia('parked', 'retry', '--all', '--yes');

/** A bug parks entities; two operators retry everything at the same time, while it is there and when it is mended. */
const retries = async ({ system, random, note }: Fixture): Promise<void> => {
  const ms = random.whole(BUG_MS.min, BUG_MS.max);
  note(`a bug on payments for ${ms} ms, and two operators who retry at the same time`);
  await system.rows(
    `ALTER TABLE payment_transactions ADD CONSTRAINT soak_bug CHECK (payment_id !~ '[a-f]$') NOT VALID`,
  );
  try {
    await sleep(ms);
    await Promise.all([retryAll(system), retryAll(system)]);
  } finally {
    await system.rows('ALTER TABLE payment_transactions DROP CONSTRAINT soak_bug');
  }
  await Promise.all([retryAll(system), retryAll(system)]);
};

export const createOperatorActs = (seed: string): OperatorActs => {
  let discarded = 0;
  const discard = async ({ system, note }: Fixture): Promise<void> => {
    const id = `pay_SoakNever${String(discarded + 1).padStart(5, '0')}`;
    const event = buildEvent('payment.captured', { seed: `${seed}-${id}`, at: thisSecond(), subject: { id } });
    const constraint = `soak_never CHECK (payment_id !~ '^pay_SoakNever') NOT VALID`;
    await system.rows(`ALTER TABLE payment_transactions ADD CONSTRAINT ${constraint}`);
    try {
      await eventually(`${id} is taken`, async () => (await system.deliver(event)) === 200, DELIVERED_WITHIN_MS);
      const isParked = async () =>
        (await system.rows('SELECT 1 FROM parked_keys WHERE entity_key = $1', [id])).length === 1;
      await eventually(`${id} is parked`, isParked, PARKED_WITHIN_MS);
      const give = () => system.dakia('parked', 'discard', '--key', id, '--reason', 'the soak', '--yes');
      const answers = await Promise.all([give(), give()]);
      note(
        `${id} is given up by two operators at the same time: exit codes ${answers.map(({ code }) => code).join(', ')}`,
      );
      await eventually(`${id} is given up`, async () => !(await isParked()), PARKED_WITHIN_MS);
      discarded += 1;
    } finally {
      await system.rows('ALTER TABLE payment_transactions DROP CONSTRAINT soak_never');
    }
  };
  return {
    faults: [
      { name: 'operators retry', happen: retries },
      { name: 'operators discard', happen: discard },
    ],
    discarded: () => discarded,
  };
};
