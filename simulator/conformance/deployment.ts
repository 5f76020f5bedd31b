import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { families } from '#catalogue';
import type { EventName, Family } from '#catalogue';
import { adHoc } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';
import { until } from '#platform/time';
import { instant } from '#rules';
import type { JsonValue } from '#rules';
import { buildEvent } from '../builders/index.ts';
import { ANSWER_WITHIN_MS } from '../sending/connection.ts';
import type { SimulatedEvent } from '../simulated-event.ts';
import { headersOf, sign } from '../wire.ts';

/** What a scenario demands did not come about. */
export class NotAsDemanded extends Error {
  override readonly name = 'NotAsDemanded';
}

export interface Receiver {
  readonly url: URL;
  readonly secret: string;
}

/** Fields of an event's subject, or of an entity beside it, by their path: `amount`, `payment.id`. */
export type Fields = Readonly<Record<string, JsonValue>>;

/** What a scenario works with: a running receiver, and what can be seen of it. */
export interface Deployment {
  readonly receiver: Receiver;
  /** A new id, as Razorpay's: the prefix and 14 letters and digits that begin with `Cf`. */
  readonly id: (prefix: string) => string;
  /** A complete body; `second` is its place in the story, so that two of them are never of the same time. */
  readonly event: (name: EventName, second: number, fields: Fields) => SimulatedEvent;
  /** Delivers one after the other; each must be answered 2xx within Razorpay's 5 s. */
  readonly deliver: (...events: readonly SimulatedEvent[]) => Promise<void>;
  /** Sends as it is. Answers the status; undefined where none came in time. */
  readonly post: (body: Buffer, headers: Readonly<Record<string, string>>) => Promise<number | undefined>;
  /** Demands columns of an entity's row. */
  readonly row: (family: Family, key: string, columns: Readonly<Record<string, JsonValue>>) => Promise<void>;
  /** Demands how often each of these facts was told of an entity: 0 is never. */
  readonly told: (key: string, counts: Readonly<Record<string, number>>) => Promise<void>;
  /** Demands the rows that a query answers. Looked at until it is so, and once more when all scenarios are over. */
  readonly demand: (
    what: string,
    sql: string,
    values: readonly unknown[],
    answer: readonly JsonValue[],
  ) => Promise<void>;
  /** Event ids of what was delivered. */
  readonly proof: readonly string[];
  /** True once something was to be looked at and there was no Postgres to look into. */
  readonly isBlind: () => boolean;
  /** Milliseconds that each answer took. */
  readonly answersMs: readonly number[];
  /** All that was demanded, once more. Throws NotAsDemanded. */
  readonly lookAgain: () => Promise<void>;
}

interface Demand {
  readonly what: string;
  readonly sql: string;
  readonly values: readonly unknown[];
  readonly answer: readonly JsonValue[];
}

/** Longest time in ms until what was acknowledged is in Postgres, and the pause between two looks. */
const [SEEN_WITHIN_MS, LOOK_EVERY_MS] = [20_000, 100];
/** Begins the part of each id that is drawn: what a run leaves behind can be told from what is real. */
const MARK = 'Cf';
const ID_LENGTH = 14;

type Db = Pick<Transaction, 'query'>;

const openSender = (receiver: Receiver) => {
  const proof: string[] = [];
  const answersMs: number[] = [];
  const post: Deployment['post'] = async (body, headers) => {
    const startedAt = performance.now();
    try {
      const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
      const response = await fetch(receiver.url, { method: 'POST', headers, body, redirect: 'manual', signal });
      await response.arrayBuffer();
      return response.status;
    } catch {
      return undefined;
    } finally {
      answersMs.push(performance.now() - startedAt);
    }
  };
  const deliver: Deployment['deliver'] = async (...events) => {
    for (const { eventId, body } of events) {
      const status = await post(body, headersOf(eventId, sign(receiver.secret, body)));
      if (!proof.includes(eventId)) proof.push(eventId);
      if (status === undefined || status < 200 || status > 299)
        throw new NotAsDemanded(
          `a genuine delivery (${eventId}) must be answered 2xx within 5 s, was ${status ?? 'not answered'}`,
        );
    }
  };
  return { proof, answersMs, post, deliver };
};

const openObserver = (db: Db | undefined) => {
  /** By what is demanded: a story goes on, and the last demand is what must stay. */
  const demands = new Map<string, Demand>();
  let isBlind = false;
  const look = async (database: Db, { what, sql, values, answer }: Demand): Promise<string | undefined> => {
    const found = await database.query(adHoc(sql), values);
    return isDeepStrictEqual(found, answer)
      ? undefined
      : `${what} must be ${JSON.stringify(answer)}, is ${JSON.stringify(found)}`;
  };
  const demand: Deployment['demand'] = async (what, sql, values, answer) => {
    if (db === undefined) {
      isBlind = true;
      return;
    }
    const wanted = { what, sql, values, answer };
    let difference: string | undefined;
    const isSo = async (): Promise<boolean> => (difference = await look(db, wanted)) === undefined;
    await until(SEEN_WITHIN_MS, isSo, LOOK_EVERY_MS);
    if (difference !== undefined) throw new NotAsDemanded(difference);
    demands.set(what, wanted);
  };
  const lookAgain: Deployment['lookAgain'] = async () => {
    for (const one of demands.values()) {
      const difference = await look(db as Db, one);
      if (difference !== undefined) throw new NotAsDemanded(`later: ${difference}`);
    }
  };
  return { demand, lookAgain, isBlind: () => isBlind };
};

export const openDeployment = (receiver: Receiver, db: Db | undefined): Deployment => {
  const startS = Math.floor(Date.now() / 1000) - HOUR_S;
  const id = (prefix: string): string => `${prefix}${MARK}${randomText(ID_LENGTH - MARK.length)}`;
  const account = id('acc_');
  const observer = openObserver(db);
  const { demand } = observer;
  return {
    ...openSender(receiver),
    ...observer,
    receiver,
    id,
    event: (name, second, fields) =>
      buildEvent(name, {
        seed: randomText(ID_LENGTH),
        at: instant((startS + second) * 1000),
        accountId: account,
        eventId: id(''),
        fields: Object.entries(fields).map(([path, value]) => ({ path: path.split('.') as [string], value })),
      }),
    row: async (family, key, columns) => {
      const { table, keyColumn } = families[family];
      const names = Object.keys(columns).map((name) => `'${name}', ${name}`);
      const sql = `SELECT jsonb_build_object(${names.join(', ')}) AS row FROM ${table} WHERE ${keyColumn} = $1`;
      await demand(`${key} in ${table}`, sql, [key], [{ row: columns }]);
    },
    told: async (key, counts) =>
      demand(
        `how often ${Object.keys(counts).join(', ')} was told of ${key}`,
        `SELECT jsonb_object_agg(kind, (SELECT count(*) FROM outbox WHERE entity_key = $1 AND name = kind)) AS told
          FROM unnest($2::text[]) AS kind`,
        [key, Object.keys(counts)],
        [{ told: counts }],
      ),
  };
};

const HOUR_S = 3_600;

const randomText = (length: number): string => {
  let text = '';
  // Ends: half of all bytes give at least one letter or digit.
  while (text.length < length) text += randomBytes(length).toString('base64').replaceAll(/[+/=]/g, '');
  return text.slice(0, length);
};
