import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { decodeEnvelope } from '#envelope';
import { allAggregates } from '#families';
import type { EntityState } from '#rules';
import { instant } from '#rules';
import { arrivalOf } from '../../libs/apply/arrival.ts';
import type { TestApp } from '../kit/ingest/app.ts';
import { captured, post, readSignedBody, sign } from './deliveries.ts';

/** One input, as it is kept when it fails. */
export interface FuzzCase {
  readonly kind: 'request' | 'body';
  readonly bytes: Buffer;
}

/** Every status that the webhook port may answer with. */
const STATUSES = new Set([100, 200, 400, 401, 403, 404, 405, 408, 411, 413, 414, 415, 417, 429, 431, 501, 503, 505]);
/** Longest wait in ms for a connection to end; a slow sender is let go after 10 s. */
const ENDED_MS = 15_000;
/** Sent in so many pieces. */
const PIECES = 3;

const aggregates = new Map(allAggregates.map((aggregate) => [aggregate.family, aggregate]));

/** Throws when a promise does not hold for this input. */
export const tryCase = async (app: TestApp, input: FuzzCase): Promise<void> => {
  const before = app.published.length;
  if (input.kind === 'request') await tryRequest(app, input.bytes);
  else await tryBody(app, input.bytes);
  for (const [topic, record] of app.published.splice(before)) checkRecord(topic, record, input);
  if (({} as Record<string, unknown>)['polluted'] !== undefined || Object.keys(Object.prototype).length > 0)
    throw new Error('a body has changed the prototype of all objects');
  // The port still serves the next sender.
  const answer = await post(app.port, captured('pay_fuzz'));
  if (answer !== 200) throw new Error(`the next genuine delivery is answered ${answer}`);
  app.published.length = before;
};

/** Whatever the bytes are: answered or closed in time, and with a status that is documented. */
const tryRequest = async (app: TestApp, bytes: Buffer): Promise<void> => {
  const answer = await new Promise<string>((resolve, reject) => {
    let text = '';
    const socket = connect(app.port, '127.0.0.1', () => {
      const size = Math.ceil(bytes.length / PIECES);
      for (let at = 0; at < bytes.length; at += size) socket.write(bytes.subarray(at, at + size));
      socket.end();
    });
    const late = setTimeout(() => {
      socket.destroy();
      reject(new Error(`the connection is open after ${ENDED_MS} ms`));
    }, ENDED_MS);
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(late);
      resolve(text);
    });
  });
  for (const [, status] of answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm))
    if (!STATUSES.has(Number(status))) throw new Error(`answered ${status}`);
};

/** A signed body is always kept: 200, and one record of its exact bytes. */
const tryBody = async (app: TestApp, bytes: Buffer): Promise<void> => {
  const before = app.published.length;
  const answer = await post(app.port, bytes);
  if (answer !== 200) throw new Error(`a signed body is answered ${answer}`);
  if (app.published.length === before) throw new Error('a signed body was not published');
};

/** What is published was signed, is byte for byte what was sent, and neither reading it nor its rule throws. */
const checkRecord = (topic: string, record: TestApp['published'][number][1], input: FuzzCase): void => {
  const envelope = decodeEnvelope(record.value, record.headers);
  if (!envelope.ok) throw new Error(`the published record cannot be read: ${envelope.issues.join('; ')}`);
  const body = Buffer.from(envelope.value.rawBody);
  if (input.kind === 'body' ? !body.equals(input.bytes) : !readSignedBody(input.bytes).includes(sign(body)))
    throw new Error('what was published is not what was signed');
  const received = { offset: 0n, key: record.key, value: record.value, envelope };
  const arrival = arrivalOf(received, { topic, partition: 0 }, aggregates, instant(1_795_841_805_000));
  if (!arrival.digest.equals(createHash('sha256').update(body).digest())) throw new Error('the digest is another');
  if (arrival.task.kind === 'keep') return;
  const { family, snapshot } = arrival.task;
  const aggregate = aggregates.get(family);
  const unknown: EntityState | undefined = undefined;
  const verdict = aggregate?.apply(unknown, snapshot);
  if (verdict === undefined || verdict.kind === 'rejected') return;
  checkStorable(verdict.next);
  const again = aggregates.get(family)?.apply(verdict.next, snapshot);
  if (again === undefined || again.kind === 'rejected') throw new Error('the same event a second time is rejected');
  if (JSON.stringify(again.next) !== JSON.stringify(verdict.next))
    throw new Error('the same event twice is another state');
};

/** Postgres takes neither the character NUL nor half a character. */
const checkStorable = ({ values }: EntityState): void => {
  for (const [name, value] of Object.entries(values)) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    if (text.includes('\u0000') || !text.isWellFormed()) throw new Error(`${name} holds what Postgres refuses`);
  }
};
