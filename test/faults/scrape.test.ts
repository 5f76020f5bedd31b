/** A scrape while every server hangs: it shows what is at hand, and the machine alone decides how fast. */
import { eventually } from '#kit';
import { buildEvent } from '#simulator';
import { samplesIn } from '../kit/metric-samples.ts';
import { thisSecond } from '../kit/system-fixture.ts';
import { startSystem, testsOf } from '../kit/system.ts';
import type { System } from '../kit/system.ts';
import { startOwnServers } from './own-servers.ts';
import type { OwnServers } from './own-servers.ts';

const SERVERS = ['KAFKA_BROKERS', 'DATABASE_URL', 'REDIS_URL'] as const;
/** The promise, in ms. It is one of a machine that has time: a busy one is asked for its own times beside it. */
const SCRAPED_WITHIN_MS = 200;
/** How much longer than the slowest answer that needs nothing a scrape may take besides, on a busy machine. */
const OF_THE_MACHINE = 5;
/** More than there are kinds of looks behind the gauges, each of which could hang in another scrape. */
const SCRAPES = 12;
const LOOKED_WITHIN_MS = 40_000;

let servers: OwnServers<(typeof SERVERS)[number]>;
let system: System;
const it = testsOf(() => system);

beforeAll(async () => {
  servers = await startOwnServers(SERVERS);
  try {
    system = await startSystem({ addresses: servers.addresses });
  } catch (error) {
    await servers.stop();
    throw error;
  }
}, 180_000);
afterAll(async () => {
  try {
    await system.close();
  } finally {
    await servers.stop();
  }
}, 120_000);

interface Scrape {
  readonly text: string;
  readonly ms: number;
  /** Of the slowest of the answers that were asked for meanwhile and need no server and no gauge. */
  readonly besideMs: number;
}

const timed = async (path: string): Promise<{ readonly text: string; readonly ms: number }> => {
  const since = performance.now();
  const text = await (await fetch(`http://127.0.0.1:${system.opsPort()}${path}`)).text();
  return { text, ms: performance.now() - since };
};

const scrape = async (): Promise<Scrape> => {
  const whole = { isOver: false };
  const scraped = timed('/metrics').finally(() => (whole.isOver = true));
  let besideMs = 0;
  do besideMs = Math.max(besideMs, (await timed('/livez')).ms);
  while (!whole.isOver);
  return { ...(await scraped), besideMs };
};

/** One that was gathered for who asks: what was gathered within the second before is only sent again. */
const freshAfter = (text: string): Promise<Scrape> =>
  eventually('a scrape is gathered', async () => {
    const one = await scrape();
    return one.text !== text && one;
  });

/** Of the metrics that a scrape shows, but for those of partitions: they go with a membership that Kafka lets lapse. */
const namesIn = (text: string): ReadonlySet<string> =>
  new Set(samplesIn(text).flatMap(({ name }) => (/^dakia_(partition|consumer)_/.test(name) ? [] : [name])));

it('while Kafka, Postgres and Redis hang no scrape waits for them, and none lacks a metric', async () => {
  expect(await system.deliver(buildEvent('payment.captured', { seed: 'scrape', at: thisSecond() }))).toBe(200);
  await system.drained();
  await eventually(
    'the reporter has looked',
    async () => /^dakia_reporter_looks_total\{result="done"\} [1-9]/m.test(await system.metrics()),
    LOOKED_WITHIN_MS,
  );
  const names = namesIn(await system.metrics());
  const scrapes: Scrape[] = [];
  for (const name of SERVERS) servers.of(name).freeze();
  try {
    for (let text = await system.metrics(); scrapes.length < SCRAPES; text = scrapes.at(-1)?.text ?? '')
      scrapes.push(await freshAfter(text));
  } finally {
    for (const name of SERVERS) servers.of(name).thaw();
  }
  const late = scrapes.filter(({ ms, besideMs }) => ms > SCRAPED_WITHIN_MS + OF_THE_MACHINE * besideMs);
  expect(late.map(({ ms, besideMs }) => ({ ms, besideMs }))).toEqual([]);
  expect(scrapes.flatMap(({ text }) => [...names].filter((name) => !namesIn(text).has(name)))).toEqual([]);
  expect(await system.drained()).toMatchObject({ ok: true, difference: 0 });
}, 180_000);
