import { setTimeout as sleep } from 'node:timers/promises';
import { topics } from '#catalogue';
import { eventually } from '#kit';
import { applyTopics, embeddedShape } from '#kafka';
import { onServer } from './on-server.ts';
import type { Fault, Fixture } from './fixture.ts';

const COPY_AGE_MS = { min: 1_000, max: 5_000 } as const;
const GONE_WITHIN_MS = 20_000;
/** Partitions that stand still ask for their ledger every 10 s, and say so first. */
const HALTED_WITHIN_MS = 60_000;
/** Records that an operator sets a partition back by: each is a copy of what is applied. */
const BACK_MAX = 50;

const terminate = (name: string): string =>
  `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`;

/**
 * A failover to a replica that lacked the last commits, under
 * services that go on running: Kafka still has what is missing.
 */
const databaseSetBack = async ({ system, random, note }: Fixture): Promise<void> => {
  const ms = random.whole(COPY_AGE_MS.min, COPY_AGE_MS.max);
  const url = new URL(system.databaseUrl);
  const name = url.pathname.slice(1);
  const copy = `${name}_copy`;
  url.pathname = '/postgres';
  const closed = `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`;
  const open = `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`;
  await onServer(url.href, closed, terminate(name), `CREATE DATABASE ${copy} TEMPLATE ${name}`, open);
  await sleep(ms);
  note(`the database goes back by ${ms} ms`);
  await onServer(
    url.href,
    closed,
    terminate(name),
    `DROP DATABASE ${name} WITH (FORCE)`,
    `ALTER DATABASE ${copy} RENAME TO ${name}`,
  );
};

interface Position {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly first: string;
  readonly next: string;
}
const positions = (system: Fixture['system'], topic: string): Promise<readonly Position[]> =>
  system.rows<Position>(
    `SELECT consumer_group AS group, topic, partition, first_offset::text AS first, next_offset::text AS next
       FROM partition_ledger WHERE topic = $1 AND next_offset > first_offset ORDER BY partition`,
    [topic],
  );

/** A partition that moves between the look and the act is left alone, and says so: an operator then tries again. */
const REBASES_MAX = 10;

const rebase = async ({ system }: Fixture, { group, topic, partition }: Position, to: string): Promise<void> => {
  const which = ['--group', group, '--topic', topic, '--partition', String(partition)];
  for (let count = 1; count <= REBASES_MAX; count += 1) {
    const { code, answer, stderr } = await system.dakia(
      ...['ledger', 'rebase', ...which, '--to', to, '--reason', 'the soak', '--yes'],
    );
    if (code === 0) return;
    const kind = (answer as { readonly kind?: string } | undefined)?.kind;
    if (kind !== 'changed') throw new Error(`ledger rebase ended with ${code}: ${kind ?? stderr}`);
  }
  throw new Error(`${topic}/${partition} was not set back in ${REBASES_MAX} tries: it had moved on each time`);
};

/** An operator sets a partition back that runs. What comes again is a duplicate. */
const partitionSetBack = async (fixture: Fixture): Promise<void> => {
  const { system, random, note } = fixture;
  const back = random.whole(1, BACK_MAX);
  const [place] = await positions(system, 'rzp.payments.v1');
  if (place === undefined) return note('nothing is applied yet, so nothing is set back');
  const to = Math.max(Number(place.first), Number(place.next) - back);
  note(`${place.topic}/${place.partition} is set back to ${to} of ${place.next}`);
  await rebase(fixture, place, String(to));
};

/**
 * A topic that is deleted and made again, all of it applied before;
 * the remedy is the operator's, once `status` has said so.
 */
const topicRemade = async (fixture: Fixture): Promise<void> => {
  const { system, random, note } = fixture;
  const topic = random.pick(['rzp.payments.v1', 'rzp.refunds.v1', 'rzp.disputes.v1']);
  const before = await positions(system, topic);
  note(`${topic} is deleted and made again; ${before.length} partitions had events`);
  const full = `${system.prefix}${topic}`;
  await system.withAdmin(async (admin) => {
    await admin.deleteTopics({ topics: [full] });
    await eventually('the topic is gone', async () => !(await admin.listTopics()).includes(full), GONE_WITHIN_MS);
  });
  await applyTopics(system.kafka, { topics, prefix: system.prefix, shape: embeddedShape });
  const stands = async (): Promise<readonly unknown[]> => {
    const { partitions } = await system.status();
    return partitions.filter((one) => one.topic === topic && one.problem !== null);
  };
  await eventually(
    `status says of ${topic} that it is another log`,
    async () => (await stands()).length === before.length,
    HALTED_WITHIN_MS,
  );
  note(`status names all ${before.length}; an operator rebases them`);
  await Promise.all(before.map((place) => rebase(fixture, place, 'start')));
};

export const dataFaults: readonly Fault[] = [
  { name: 'database set back', happen: databaseSetBack },
  { name: 'ledger set back', happen: partitionSetBack },
];

/** These lose what is not applied yet, by themselves: they happen while nothing is under way. */
export const quietFaults: readonly Fault[] = [{ name: 'topic remade', happen: topicRemade }];
