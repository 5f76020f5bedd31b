import { isRecord, readInteger, readText } from '#rules';
import type { SchemaLookup } from './decode.ts';
import { envelopeSchema } from './schema-v2.ts';

/** What the registry says of one subject. */
export interface CheckedSubject {
  readonly subject: string;
  /** `compatible`: another schema is there, and ours may follow it. */
  readonly state: 'registered' | 'compatible' | 'incompatible' | 'missing';
  /** The subject's own compatibility level; null when it has none. */
  readonly compatibility: string | null;
  /** What to do, in words; null when all is as it should be. */
  readonly problem: string | null;
}

/** Longest time for one request to the registry, in ms, and how often a request is repeated. */
const ANSWER_WITHIN_MS = 5_000;
const RETRY = { initialRetryTimeInSecs: 0.2, maxRetryTimeInSecs: 2, retries: 3 };
/** FULL: old and new readers and writers work side by side, which every rolling upgrade and every rollback needs. */
const WANTED = 'FULL';
const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json';

/** The subject of a topic's values, as Confluent's serialisers name it. */
const subjectOf = (topic: string): string => `${topic}-value`;
const SCHEMA = JSON.stringify(envelopeSchema);

/**
 * Registers the envelope's schema for every topic (with the
 * deployment's prefix). Doing it again changes nothing. Answers its id.
 */
export const registerSchemas = async (url: string, topics: readonly string[]): Promise<number> => {
  // Loaded only here: it brings two validators, and no service registers anything.
  const { COMPATIBILITY, SchemaRegistry, SchemaType } = await import('@kafkajs/confluent-schema-registry');
  const registry = new SchemaRegistry({ host: url, retry: RETRY });
  let id = 0;
  for (const topic of topics) {
    ({ id } = await registry
      .register(
        { type: SchemaType.AVRO, schema: SCHEMA },
        { subject: subjectOf(topic), compatibility: COMPATIBILITY[WANTED] },
      )
      .catch((error: unknown) => {
        throw new Error(`the schema registry has not taken the schema of ${topic}: ${reasonOf(error)}`, {
          cause: error,
        });
      }));
  }
  return id;
};

/** Compares the registry with what this release writes. Changes nothing; throws when the registry does not answer. */
export const checkSchemas = (url: string, topics: readonly string[]): Promise<readonly CheckedSubject[]> =>
  Promise.all(
    topics.map(async (topic): Promise<CheckedSubject> => {
      const subject = subjectOf(topic);
      const [state, compatibility] = await Promise.all([stateOf(url, subject), levelOf(url, subject)]);
      return { subject, state, compatibility, problem: problemOf(state, compatibility) };
    }),
  );

/**
 * The registry's id of this release's schema, as registered for the
 * topic; undefined when it is not. Throws when there is no answer.
 */
export const registeredSchemaId = async (url: string, topic: string): Promise<number | undefined> => {
  const found = await ask(url, `/subjects/${encodeURIComponent(subjectOf(topic))}`, SCHEMA);
  return isRecord(found) ? readInteger(found['id']) : undefined;
};

/** The schemas of a registry by id, for records of a newer schema version than this release bundles. */
export const createSchemaLookup = (url: string): SchemaLookup => ({
  schemaById: async (id) => {
    const found = await ask(url, `/schemas/ids/${id}`);
    const text = isRecord(found) ? found['schema'] : undefined;
    return typeof text === 'string' ? (JSON.parse(text) as unknown) : undefined;
  },
});

const problemOf = (state: CheckedSubject['state'], compatibility: string | null): string | null => {
  switch (state) {
    case 'missing':
      return 'not registered; register it with npx dakia schema register';
    case 'compatible':
      return (
        'another schema is registered, which this one may follow, such as an earlier version; register this ' +
        'one with npx dakia schema register'
      );
    case 'incompatible':
      return (
        'another schema is registered, which this one may not follow; another program writes to this subject, ' +
        'or this release is older than the registry'
      );
    case 'registered':
      return compatibility === WANTED
        ? null
        : `compatibility is ${compatibility ?? 'not set on the subject'}, wanted ${WANTED}; set it in the registry`;
  }
};

const stateOf = async (url: string, subject: string): Promise<CheckedSubject['state']> => {
  const found = await ask(url, `/subjects/${encodeURIComponent(subject)}`, SCHEMA);
  if (found !== undefined) return 'registered';
  const verdict = await ask(url, `/compatibility/subjects/${encodeURIComponent(subject)}/versions/latest`, SCHEMA);
  if (verdict === undefined) return 'missing';
  return isRecord(verdict) && verdict['is_compatible'] === true ? 'compatible' : 'incompatible';
};

const levelOf = async (url: string, subject: string): Promise<string | null> => {
  const config = await ask(url, `/config/${encodeURIComponent(subject)}`);
  return (isRecord(config) ? readText(config['compatibilityLevel']) : undefined) ?? null;
};

/** One request, a POST when there is a schema to ask about; undefined when the registry knows no such thing. */
const ask = async (url: string, path: string, schema?: string): Promise<unknown> => {
  const target = new URL(url);
  const login =
    target.username === ''
      ? {}
      : {
          Authorization: `Basic ${Buffer.from(`${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`).toString('base64')}`,
        };
  [target.username, target.password] = ['', ''];
  const answer = await fetch(`${target.href.replace(/\/$/, '')}${path}`, {
    headers: { Accept: MEDIA_TYPE, 'Content-Type': MEDIA_TYPE, ...login },
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    ...(schema !== undefined && { method: 'POST', body: JSON.stringify({ schema, schemaType: 'AVRO' }) }),
  }).catch((error: unknown) => {
    throw new Error(`the schema registry at ${target.host} does not answer: ${reasonOf(error)}`, { cause: error });
  });
  if (answer.status === 404) return undefined;
  if (!answer.ok)
    throw new Error(
      `the schema registry answered ${answer.status} to ${path}: ${(await answer.text()).slice(0, ANSWER_SHOWN)}`,
    );
  return answer.json();
};

/** Characters of an unexpected answer that an error shows. */
const ANSWER_SHOWN = 200;

/** `fetch` says "fetch failed" and keeps the reason as the cause. */
const reasonOf = (error: unknown): string => {
  const { code, message } = ((error as { readonly cause?: unknown }).cause ?? error) as {
    readonly code?: unknown;
    readonly message?: unknown;
  };
  return readText(code) ?? readText(message) ?? String(error);
};
