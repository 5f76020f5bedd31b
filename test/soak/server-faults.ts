import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { onServer } from './on-server.ts';
import type { Fault, Fixture } from './fixture.ts';

const KAFKA_FROZEN_MS = { min: 1_000, max: 8_000 } as const;
const READ_ONLY_MS = { min: 1_000, max: 6_000 } as const;
/** Long enough for `status` to have to say so (watch.ts). */
const LOCKED_MS = { min: 4_000, max: 50_000 } as const;
const REDIS_SHARE = 0.5;

const kafkaFrozen = async ({ server, random, note }: Fixture): Promise<void> => {
  const ms = random.whole(KAFKA_FROZEN_MS.min, KAFKA_FROZEN_MS.max);
  note(`Kafka is frozen for ${ms} ms`);
  server('KAFKA_BROKERS').freeze();
  try {
    await sleep(ms);
  } finally {
    server('KAFKA_BROKERS').thaw();
  }
};

const postgresKilled = async ({ server, note }: Fixture): Promise<void> => {
  note('Postgres gets kill -9');
  await server('DATABASE_URL').kill();
  await server('DATABASE_URL').start();
};

/** As after a failover that left the old primary running: sessions stay and can only read. */
const postgresReadOnly = async ({ system, random, note }: Fixture): Promise<void> => {
  const ms = random.whole(READ_ONLY_MS.min, READ_ONLY_MS.max);
  note(`Postgres can only be read for ${ms} ms`);
  const reload = 'SELECT pg_reload_conf()';
  await onServer(system.databaseUrl, 'ALTER SYSTEM SET default_transaction_read_only = on', reload);
  try {
    await sleep(ms);
  } finally {
    await onServer(system.databaseUrl, 'ALTER SYSTEM RESET default_transaction_read_only', reload);
  }
};

const lockedRow = async ({ system, random, note }: Fixture): Promise<void> => {
  const table = random.pick(['payment_transactions', 'partition_ledger']);
  const ms = random.whole(LOCKED_MS.min, LOCKED_MS.max);
  note(`rows of ${table} are locked for ${ms} ms`);
  const client = new pg.Client({ connectionString: system.databaseUrl });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('BEGIN');
    const { rowCount } = await client.query(
      table === 'partition_ledger'
        ? `SELECT 1 FROM partition_ledger WHERE consumer_group = 'payments' ORDER BY next_offset DESC LIMIT 1
          FOR UPDATE`
        : 'SELECT 1 FROM payment_transactions ORDER BY created_at DESC LIMIT 20 FOR UPDATE',
    );
    note(`${rowCount} rows are locked`);
    await sleep(ms);
  } finally {
    await client.end();
  }
};

const redisLoss = async ({ system, random, note }: Fixture): Promise<void> => {
  const client = new Redis(system.environment['REDIS_URL'] ?? '', { maxRetriesPerRequest: 1 });
  client.on('error', () => undefined);
  try {
    const keys = (await client.keys(`{${system.prefix.slice(0, -1)}}*`)).sort();
    const gone = keys.filter(() => random.chance(REDIS_SHARE));
    if (gone.length > 0) await client.unlink(...gone);
    note(`Redis has lost ${gone.length} of ${keys.length} keys`);
  } finally {
    client.disconnect();
  }
};

export const serverFaults: readonly Fault[] = [
  { name: 'Kafka frozen', happen: kafkaFrozen },
  { name: 'kill -9 of Postgres', happen: postgresKilled },
  { name: 'demoted Postgres', happen: postgresReadOnly },
  { name: 'locked row', happen: lockedRow },
  { name: 'partial Redis loss', happen: redisLoss },
];
