import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QUARANTINE_TOPIC, topics } from '#catalogue';
import { decodeEnvelope } from '#envelope';
import type { Envelope } from '#envelope';
import { eventually, openTestKafka, testServers } from '#kit';
import type { TestKafka } from '#kit';
import { startKafkaProxy } from '../../test/faults/kafka-proxy.ts';
import { captured, head, post, SECRET, sign } from '../../test/kit/ingest/deliveries.ts';
import { runIngest, startIngest } from '../../test/kit/ingest/process.ts';
import type { IngestProcess } from '../../test/kit/ingest/process.ts';
import { connect } from '../../test/kit/ingest/raw-http.ts';

const SECOND = 1_000;
const PAYMENTS = 'rzp.payments.v1';

let kafka: TestKafka;
let running: IngestProcess[] = [];
let folder = '';

beforeEach(async () => {
  kafka = await openTestKafka({ ...process.env, ...testServers() });
  folder = mkdtempSync(join(tmpdir(), 'dakia-ingest-'));
}, 30 * SECOND);
afterEach(async () => {
  for (const each of running) each.kill('SIGKILL');
  await Promise.all(running.map(({ exited }) => exited));
  running = [];
  rmSync(folder, { recursive: true });
  await kafka.close();
}, 30 * SECOND);

const createTopics = async (names: readonly string[] = topics): Promise<void> => {
  const full = names.map((topic) => `${kafka.prefix}${topic}`);
  // kafkajs' own waiting for leaders fails while a broker has not heard of the topics yet.
  await kafka.admin.createTopics({
    waitForLeaders: false,
    topics: full.map((topic) => ({ topic, numPartitions: 3, replicationFactor: 1 })),
  });
  await eventually('leaders', async () =>
    (await kafka.admin.fetchTopicMetadata({ topics: full })).topics.every(
      ({ partitions }) => partitions.length === 3 && partitions.every(({ leader }) => leader >= 0),
    ),
  );
};
const environment = (over: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({
  KAFKA_BROKERS: kafka.config.kafkaBrokers.join(','),
  DAKIA_TOPIC_PREFIX: kafka.prefix,
  RAZORPAY_WEBHOOK_SECRETS: SECRET,
  ...over,
});
const start = async (over?: Readonly<Record<string, string>>): Promise<IngestProcess> => {
  const ingest = await startIngest(environment(over));
  running.push(ingest);
  return ingest;
};

/** Every envelope in a topic. */
const stored = async (topic: string): Promise<readonly Envelope[]> => {
  const name = `${kafka.prefix}${topic}`;
  const wanted = (await kafka.admin.fetchTopicOffsets(name)).reduce((sum, { high }) => sum + Number(high), 0);
  const found: Envelope[] = [];
  const consumer = kafka.kafka.consumer({ groupId: `${name}-${wanted}-${Math.random()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: name, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      const decoded = decodeEnvelope(message.value ?? Buffer.alloc(0), message.headers);
      if (!decoded.ok) throw new Error(decoded.issues.join('; '));
      found.push(decoded.value);
    },
  });
  await eventually('all records read', () => found.length >= wanted, 30 * SECOND);
  await consumer.disconnect();
  return found;
};

test(
  'a 200 is in Kafka: known events by family, the same one again, what is not understood with its reason; a refusal is not',
  async () => {
    await createTopics();
    const { port } = await start();
    const body = captured('pay_1');
    for (let i = 0; i < 2; i++)
      expect(await post(port, { body, eventId: 'TUoumpUn1znA6u' })).toMatchObject({ status: 200, reason: 'durable' });
    expect(await post(port, { body: '{"event":"payment.unheard"}', eventId: 'PU86a6M8TtqYOS' })).toMatchObject({
      status: 200,
      reason: 'quarantined',
    });
    expect(await post(port, { body: 'no JSON' })).toMatchObject({ status: 200, reason: 'quarantined' });
    expect(await post(port, { body, signature: sign(body, 'wrong') })).toMatchObject({ status: 401 });
    const payments = await stored(PAYMENTS);
    expect(payments).toHaveLength(2);
    for (const envelope of payments)
      expect(envelope).toMatchObject({
        kind: 'event',
        event: 'payment.captured',
        key: 'pay_1',
        eventId: 'TUoumpUn1znA6u',
        endpoint: 'default',
        rawBody: Buffer.from(body),
      });
    const quarantined = await stored(QUARANTINE_TOPIC);
    expect(
      new Set(
        quarantined.map(
          (envelope) => envelope.kind === 'quarantine' && `${envelope.reason} ${envelope.eventId.slice(0, 14)}`,
        ),
      ),
    ).toEqual(new Set(['unknown-event PU86a6M8TtqYOS', expect.stringMatching(/^not-json sha256\./)]));
  },
  60 * SECOND,
);

test(
  'a missing topic is a 503 for its deliveries only, and ends when the topic is there',
  async () => {
    await createTopics(topics.filter((topic) => topic !== PAYMENTS));
    const { port, output } = await start();
    expect(await post(port, { body: captured('pay_1') })).toMatchObject({ status: 503, reason: 'not-durable' });
    expect(await post(port, { body: 'no JSON' })).toMatchObject({ status: 200 });
    expect(output()).toContain('npx dakia topics apply');
    await createTopics([PAYMENTS]);
    await eventually(
      'durable',
      async () => (await post(port, { body: captured('pay_1') })).status === 200,
      15 * SECOND,
    );
  },
  60 * SECOND,
);

/** Sends as fast as the answers come, until the service is gone; returns the payment ids that were answered 200. */
const floodUntilGone = async (port: number, reached: (answered: number) => void): Promise<readonly string[]> => {
  const accepted: string[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (;;) {
      const id = `pay_${next++}`;
      const answered = await post(port, { body: captured(id), eventId: id }).catch(() => undefined);
      if (answered === undefined) return;
      if (answered.status === 200) accepted.push(id);
      reached(accepted.length);
    }
  };
  await Promise.all(Array.from({ length: 64 }, lane));
  return accepted;
};

test.each([
  ['SIGTERM', 0],
  ['SIGKILL', null],
] as const)(
  '%s under load: every delivery that was answered 200 is in Kafka',
  async (signal, exitCode) => {
    await createTopics();
    const ingest = await start();
    let isKilled = false;
    const accepted = await floodUntilGone(ingest.port, (answered) => {
      if (answered < 500 || isKilled) return;
      isKilled = true;
      ingest.kill(signal);
    });
    expect(await ingest.exited).toBe(exitCode);
    expect(accepted.length).toBeGreaterThanOrEqual(500);
    const keys = new Set<string>((await stored(PAYMENTS)).map(({ key }) => key));
    expect(accepted.filter((id) => !keys.has(id))).toEqual([]);
  },
  90 * SECOND,
);

test(
  'without a secret it does not start, and says so in one sentence',
  async () => {
    const { output, exited } = runIngest({ KAFKA_BROKERS: 'localhost:1' });
    expect(await exited).toBe(78);
    expect(output()).toBe(
      'ingest cannot start with these settings (DAKIA_START_SETTINGS):\n' +
        '  RAZORPAY_WEBHOOK_SECRETS: no webhook secret is set; give the secret of the webhook in the Razorpay ' +
        'dashboard, here or in RAZORPAY_WEBHOOK_SECRETS_FILE\n',
    );
  },
  30 * SECOND,
);

test(
  'neither a secret nor personal data reaches a log line, a metric or an answer, whichever way a delivery goes',
  async () => {
    await createTopics(topics.filter((topic) => topic !== 'rzp.refunds.v1'));
    const canaries = {
      secret: 'CANARYsecret',
      other: 'CANARYother',
      email: 'canary@example.com',
      contact: '+919999912345',
      vpa: 'canary@okbank',
      card: '4111111111111111',
      note: 'CANARYnote',
      agent: 'CANARYagent',
    };
    const file = join(folder, 'secrets');
    writeFileSync(file, `${canaries.secret}\n`);
    const { secret: _, agent, ...personal } = canaries;
    const ingest = await start({
      RAZORPAY_WEBHOOK_SECRETS: '',
      RAZORPAY_WEBHOOK_SECRETS_FILE: file,
      DAKIA_LOG_LEVEL: 'trace',
    });
    const answers: string[] = [];
    const deliver = async (body: string, secret = canaries.secret, path = '/webhooks/razorpay'): Promise<number> => {
      const response = await fetch(`http://127.0.0.1:${ingest.port}${path}`, {
        method: 'POST',
        body,
        headers: { 'user-agent': agent, 'x-razorpay-signature': sign(body, secret), cookie: canaries.note },
      });
      answers.push(await response.text());
      return response.status;
    };
    const bodyOf = (event: string, entity: object) =>
      JSON.stringify({ event, payload: { [event.split('.')[0] ?? '']: { entity: { ...personal, ...entity } } } });
    expect(await deliver(bodyOf('payment.captured', { id: 'pay_1' }))).toBe(200);
    expect(await deliver(bodyOf('payment.unheard', { id: 'pay_1' }))).toBe(200);
    expect(await deliver(bodyOf('payment.captured', { id: canaries.note.repeat(20) }))).toBe(200);
    expect(await deliver(`{"event":"payment.captured",${canaries.email}`)).toBe(200);
    expect(await deliver(bodyOf('payment.captured', { id: 'pay_1' }), canaries.other)).toBe(401);
    expect(await deliver(bodyOf('refund.created', { id: 'rfnd_1' }))).toBe(503);
    expect(await deliver('x', canaries.secret, `/webhooks/razorpay/${canaries.note}`)).toBe(404);
    expect(await deliver('x', canaries.secret, `/${canaries.note}/%zz`)).toBe(404);
    expect(await deliver(bodyOf('payment.captured', { id: 'pay_1' }).padEnd(256 * 1024 + 1))).toBe(413);
    for (const bytes of [
      head({ 'X-Razorpay-Signature': sign('x'), 'Content-Length': 100 }) + canaries.email,
      `GARBAGE ${canaries.email}\r\n\r\n`,
      head({ 'X-Long': canaries.note.repeat(2_000) }),
    ]) {
      const connection = await connect(ingest.port);
      connection.write(bytes);
      if (!bytes.startsWith('POST') || bytes.length > 10_000) answers.push(JSON.stringify(await connection.next()));
      connection.destroy();
    }
    writeFileSync(file, `${canaries.secret}\n${canaries.secret}\n`);
    await eventually('the broken file reported', () => ingest.output().includes('cannot be used'));
    writeFileSync(file, `${canaries.other}\n`);
    await eventually('the new file in use', () => ingest.output().includes('were read again'));
    const metrics = await (await fetch(`http://127.0.0.1:${ingest.opsPort}/metrics`)).text();
    expect(metrics).toContain('reason="signature-mismatch"');
    ingest.kill('SIGTERM');
    expect(await ingest.exited).toBe(0);

    const said = ingest.output() + metrics + answers.join('');
    for (const expected of ['signature-mismatch', 'not-durable', 'too-large', '"level":"debug"', 'payment.captured'])
      expect(ingest.output()).toContain(expected);
    for (const [name, canary] of Object.entries(canaries))
      expect([name, said.toLowerCase().includes(canary.toLowerCase())]).toEqual([name, false]);
  },
  90 * SECOND,
);

test(
  'Kafka is away: 503 in time, and 200 by itself when it comes',
  async () => {
    await createTopics();
    const proxy = await startKafkaProxy(kafka.config.kafkaBrokers[0] ?? '');
    try {
      await proxy.goAway();
      const { port } = await start({ KAFKA_BROKERS: proxy.address });
      const startedAt = performance.now();
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) => post(port, { body: captured(`pay_${index}`) })),
      );
      expect(performance.now() - startedAt).toBeLessThan(4 * SECOND);
      expect(new Set(answers.map(({ status, headers }) => `${status} ${headers.get('retry-after') !== null}`))).toEqual(
        new Set(['503 true']),
      );
      await proxy.comeBack();
      await eventually(
        'durable',
        async () => (await post(port, { body: captured('pay_1') })).status === 200,
        10 * SECOND,
      );
    } finally {
      await proxy.close();
    }
  },
  60 * SECOND,
);

/** What /readyz says. */
const readyz = async ({ opsPort }: IngestProcess) => {
  const response = await fetch(`http://127.0.0.1:${opsPort}/readyz`);
  const body = (await response.json()) as {
    readonly reasons: readonly string[];
    readonly dependencies: { readonly kafka?: { readonly up: boolean | null; readonly lastError: string | null } };
  };
  return { status: response.status, reasons: body.reasons, kafka: body.dependencies.kafka };
};

test(
  'ready once it listens and has reached Kafka; a Kafka that goes away later is told and makes it no less ready',
  async () => {
    await createTopics();
    const proxy = await startKafkaProxy(kafka.config.kafkaBrokers[0] ?? '');
    try {
      await proxy.goAway();
      const ingest = await start({ KAFKA_BROKERS: proxy.address });
      expect(await readyz(ingest)).toMatchObject({
        status: 503,
        reasons: ['the Kafka producer has not connected yet'],
      });
      await proxy.comeBack();
      await eventually('ready', async () => (await readyz(ingest)).status === 200, 15 * SECOND);
      await eventually('Kafka is up', async () => (await readyz(ingest)).kafka?.up === true, 15 * SECOND);
      await proxy.goAway();
      const away = await eventually(
        'Kafka is down',
        async () => {
          const said = await readyz(ingest);
          return said.kafka?.up === false ? said : undefined;
        },
        15 * SECOND,
      );
      expect(away).toMatchObject({ status: 200, reasons: [], kafka: { lastError: expect.any(String) as string } });
    } finally {
      await proxy.close();
    }
  },
  90 * SECOND,
);

test(
  'told to stop: /readyz is 503 at once, deliveries are taken until the load balancer has had its time',
  async () => {
    await createTopics();
    const ingest = await start({ DAKIA_DRAIN_DELAY_MS: '4000' });
    await eventually('ready', async () => (await readyz(ingest)).status === 200, 15 * SECOND);
    ingest.kill('SIGTERM');
    await eventually('unready', async () => (await readyz(ingest)).status === 503, 2 * SECOND);
    expect((await readyz(ingest)).reasons).toEqual(['draining']);
    expect(await post(ingest.port, { body: captured('pay_1') })).toMatchObject({ status: 200, reason: 'durable' });
    expect(await ingest.exited).toBe(0);
    expect((await stored(PAYMENTS)).map(({ key }) => key)).toEqual(['pay_1']);
  },
  60 * SECOND,
);
