import fc from 'fast-check';
import { eventually } from '#kit';
import {
  aggregates,
  anyRun,
  appliedOrder,
  asha,
  batchesOf,
  consume,
  event,
  hasty,
  patient,
  race,
  racing,
  RUNS,
  stateOf,
  storyOf,
  TOPIC,
  useRace,
  wakeAll,
} from '../../test/kit/race.ts';
import { retryDead } from './operate-dead.ts';
import { retryParked } from './operate-parked.ts';
import { listDead, listParked } from './pending-lists.ts';

useRace();

describe('while the consumer and two workers race', () => {
  test('no event of a key is overtaken, none is applied twice, and everything ends as if there had been no bug', async () => {
    let run = 0;
    let parkedOnce = 0;
    await fc.assert(
      fc.asyncProperty(anyRun, async ({ samples, batch, bugs }) => {
        run += 1;
        const prefix = `r${race.partitions}_${run}`;
        const events = samples.map((sample, index) => event(prefix, sample, index));
        const [partition, calm] = await Promise.all([
          race.disturbed.partition(TOPIC, 1_000 + run),
          race.undisturbed.partition(TOPIC, 1_000 + run),
        ]);
        await racing(`${prefix}_`, patient, async () => {
          for (const [index, part] of batchesOf(events, batch).entries()) {
            race.isBugThere = bugs[index % bugs.length] ?? false;
            await consume(partition, part);
          }
        });
        parkedOnce += (await listParked(race.operator)).length;
        race.isBugThere = false;
        await wakeAll(race.workers[0]!, `${prefix}_`, patient);
        for (const part of batchesOf(events, batch)) await consume(calm, part);

        for (const key of new Set(samples.map((sample) => sample.key))) {
          const ids = samples.flatMap((sample, index) =>
            sample.key === key ? [`${prefix}_${String(index).padStart(3, '0')}`] : [],
          );
          expect(await appliedOrder(`${prefix}_k${key}`)).toEqual(ids);
        }
        expect(await storyOf(race.disturbed, `${prefix}\\_%`)).toEqual(
          await storyOf(race.undisturbed, `${prefix}\\_%`),
        );
      }),
      RUNS,
    );
    expect(parkedOnce).toBeGreaterThan(0);
  }, 120_000);

  test('dead letters leave the order of the others alone; put back after the fix, they end in the state of an undisturbed run', async () => {
    let run = 0;
    let deadOnce = 0;
    await fc.assert(
      fc.asyncProperty(anyRun, async ({ samples, batch }) => {
        run += 1;
        const prefix = `d${race.partitions}_${run}`;
        const events = samples.map((sample, index) => event(prefix, sample, index));
        const half = Math.floor(events.length / 2);
        const [partition, calm] = await Promise.all([
          race.disturbed.partition(TOPIC, 2_000 + run),
          race.undisturbed.partition(TOPIC, 2_000 + run),
        ]);
        race.isBugThere = true;
        await racing(`${prefix}_`, hasty, async () => {
          for (const part of batchesOf(events.slice(0, half), batch)) await consume(partition, part);
          await eventually(
            'all that cannot be applied is dead',
            async () => !(await listParked(race.operator)).some(({ key }) => key.startsWith(prefix)),
          );
        });
        const dead = (await listDead(race.operator))
          .filter(({ key }) => key.startsWith(prefix))
          .map(({ eventId }) => eventId);
        const poisons = samples
          .slice(0, half)
          .flatMap(({ isPoison }, index) => (isPoison ? [`${prefix}_${String(index).padStart(3, '0')}`] : []));
        expect(dead.toSorted()).toEqual(poisons);
        deadOnce += dead.length;
        for (const key of [0, 1, 2]) {
          const order = await appliedOrder(`${prefix}_k${key}`);
          expect(order).toEqual(order.toSorted());
        }

        race.isBugThere = false;
        await racing(`${prefix}_`, hasty, async () => {
          await Promise.all([
            (async () => {
              for (const part of batchesOf(events.slice(half), batch)) await consume(partition, part);
            })(),
            (async () => {
              for (const id of dead)
                await eventually(
                  'an operator gets through',
                  async () =>
                    (await retryDead({ database: race.operator, aggregates, policy: hasty }, id, asha)).kind !==
                    'not-dead',
                );
            })(),
          ]);
        });
        await wakeAll(race.workers[0]!, `${prefix}_`, hasty);
        for (const part of batchesOf(events, batch)) await consume(calm, part);
        expect((await listDead(race.operator)).filter(({ key }) => key.startsWith(prefix))).toEqual([]);
        expect(await stateOf(race.disturbed, `${prefix}\\_%`)).toEqual(
          await stateOf(race.undisturbed, `${prefix}\\_%`),
        );
        const processed = await race.disturbed.rows<{ id: string }>(
          "SELECT razorpay_event_id AS id FROM audit_logs WHERE entity_key LIKE $1 AND action = 'event' ORDER BY 1",
          [`${prefix}\\_%`],
        );
        expect(processed.map(({ id }) => id)).toEqual(
          samples.map((_, index) => `${prefix}_${String(index).padStart(3, '0')}`),
        );
      }),
      RUNS,
    );
    expect(deadOnce).toBeGreaterThan(0);
  }, 120_000);
});

test('a parked key, retried after the fix, has the whole story of an undisturbed run', async () => {
  const prefix = `s${race.partitions}`;
  const events = (['payment.authorized', 'payment.captured', 'payment.failed', 'payment.captured'] as const).map(
    (name, index) => event(prefix, { key: 0, event: name, isPoison: index === 1 }, index),
  );
  const [partition, calm] = await Promise.all([
    race.disturbed.partition(TOPIC, race.partitions),
    race.undisturbed.partition(TOPIC, race.partitions),
  ]);
  race.isBugThere = true;
  await partition.send(...events);
  race.isBugThere = false;
  expect(
    await retryParked(
      { database: race.operator, aggregates, policy: patient },
      { family: 'payments', key: `${prefix}_k0` },
      asha,
    ),
  ).toEqual({ kind: 'unparked', applied: 3, dead: 0 });
  await calm.send(...events);
  expect(await storyOf(race.disturbed, `${prefix}\\_%`)).toEqual(await storyOf(race.undisturbed, `${prefix}\\_%`));
});
