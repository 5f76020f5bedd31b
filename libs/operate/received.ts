import { lookup } from 'node:dns/promises';
import { eventSpec, familyNames, familySpec, isEventName, QUARANTINE_TOPIC } from '#catalogue';
import { now } from '#platform/time';

/**
 * What the ingest processes that run now have answered, each since it started: refusals are kept nowhere else (ADR 19).
 * received = accepted + refused + unavailable.
 */
export interface Received {
  /** Processes that answered. */
  readonly processes: number;
  /** Those that did not, or names that lead to none, each with why. */
  readonly silent: readonly string[];
  /** When the first of those that answered started; ISO 8601, null when none did. */
  readonly since: string | null;
  readonly received: number;
  /** Answered 200: durable in Kafka. `quarantined` of them are not understood. */
  readonly accepted: number;
  readonly quarantined: number;
  readonly refused: number;
  /** Answered 503: to be sent again. */
  readonly unavailable: number;
  /** Of what was not accepted, by reason, the most first. */
  readonly reasons: readonly (readonly [reason: string, deliveries: number])[];
  /** Records that Kafka has confirmed to them, by topic: a delivery and its sightings are several. */
  readonly confirmed: Readonly<Record<string, number>>;
}

/** Longest time for one process, in ms. */
const ANSWER_WITHIN_MS = 3_000;

/** Asks each process; a name with several addresses stands for all of them. */
export const readReceived = async (urls: readonly string[]): Promise<Received> => {
  const places = await Promise.all(urls.map(addressesOf));
  const answers = await Promise.all([...new Set(places.flat())].map(scrape));
  return receivedIn(answers);
};

/** What a process has said, or why it has not. */
export type Answer = { readonly at: string } & ({ readonly text: string } | { readonly problem: string });

/** Only addresses of one kind: of a pod that has two, both lead to the same process. */
const addressesOf = async (url: string): Promise<readonly string[]> => {
  const at = new URL(url);
  // A certificate is of the name, so that one address of several has to do.
  if (at.protocol !== 'http:') return [url];
  try {
    const all = await lookup(at.hostname.replace(/^\[|\]$/g, ''), { all: true });
    return all
      .filter(({ family }) => family === all[0]?.family)
      .map(
        ({ address, family }) =>
          Object.assign(new URL(url), { hostname: family === 6 ? `[${address}]` : address }).href,
      );
  } catch {
    return [url];
  }
};

const scrape = async (url: string): Promise<Answer> => {
  const at = new URL(url).host;
  try {
    const response = await fetch(new URL('/metrics', url), { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    const text = await response.text();
    return response.ok ? { at, text } : { at, problem: `${at} answers ${response.status}` };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { at, problem: `${at} does not answer: ${cause instanceof Error ? cause.message : String(cause)}` };
  }
};

/** Sums up; a process that receives nothing, because it is no ingest, counts as one that did not answer. */
export const receivedIn = (answers: readonly Answer[], nowMs: number = now()): Received => {
  const texts = answers.flatMap((answer) => ('text' in answer && DELIVERIES.test(answer.text) ? [answer.text] : []));
  const silent = answers.flatMap((answer) => {
    if ('problem' in answer) return [answer.problem];
    return DELIVERIES.test(answer.text) ? [] : [`${answer.at} receives no webhooks`];
  });
  const samples = texts.flatMap((text) => samplesIn(text));
  const sum = (name: string, isOne: (labels: Labels) => boolean = () => true): number =>
    samples.reduce((total, one) => total + (one.name === name && isOne(one.labels) ? one.value : 0), 0);
  const outcome = (wanted: string): number =>
    sum('dakia_ingest_deliveries_total', (labels) => labels['outcome'] === wanted);
  const quarantined = outcome('quarantined');
  const started = samples.flatMap(({ name, value }) => (name === 'process_start_time_seconds' ? [value * 1000] : []));
  return {
    processes: texts.length,
    silent,
    since: texts.length === 0 ? null : new Date(Math.min(...started, nowMs)).toISOString(),
    received: sum('dakia_ingest_deliveries_total'),
    accepted: outcome('accepted') + quarantined,
    quarantined,
    refused: outcome('refused'),
    unavailable: outcome('unavailable'),
    reasons: reasonsIn(samples),
    confirmed: confirmedIn(samples),
  };
};

const DELIVERIES = /^dakia_ingest_deliveries_total\{/m;

type Labels = Readonly<Record<string, string>>;
interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

/** Counters of ingest and the start of the process; values of their labels have nothing that is escaped. */
const samplesIn = (text: string): readonly Sample[] =>
  [...text.matchAll(/^(dakia_ingest_\w+_total|process_start_time_seconds)(?:\{([^}]*)\})? (\S+)$/gm)].map(
    ([, name = '', labels = '', value]) => ({
      name,
      labels: Object.fromEntries(
        [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', of = '']) => [label, of]),
      ),
      value: Number(value),
    }),
  );

const reasonsIn = (samples: readonly Sample[]): Received['reasons'] => {
  const counts = new Map<string, number>();
  for (const { name, labels, value } of samples)
    if (
      name === 'dakia_ingest_deliveries_total' &&
      /^(refused|unavailable)$/.test(labels['outcome'] ?? '') &&
      value > 0
    )
      counts.set(labels['reason'] ?? '', (counts.get(labels['reason'] ?? '') ?? 0) + value);
  return [...counts].toSorted(([one, more], [other, less]) => less - more || one.localeCompare(other));
};

const confirmedIn = (samples: readonly Sample[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const { name, labels, value } of samples) {
    const topic = topicOf(name, labels);
    if (topic !== undefined && value > 0) counts[topic] = (counts[topic] ?? 0) + value;
  }
  return counts;
};

/** Where the records that a counter counts lie; undefined where it counts none, or those of another release. */
const topicOf = (name: string, { event = '', family = '' }: Labels): string | undefined => {
  if (name === 'dakia_ingest_events_total') {
    if (event === 'quarantined') return QUARANTINE_TOPIC;
    return isEventName(event) ? familySpec(eventSpec(event).family).topic : undefined;
  }
  const sighted = name === 'dakia_ingest_sightings_total' ? familyNames.find((one) => one === family) : undefined;
  return sighted && familySpec(sighted).topic;
};

/**
 * Topics of which Kafka has fewer records than it has confirmed: what was acknowledged is lost. Kafka has to be asked
 * after ingest. Its offsets count what other processes sent, too, so a topic that is not named may have lost some.
 */
export const unkept = (
  { confirmed }: Received,
  logs: readonly { readonly topic: string; readonly endOffset: bigint }[],
): readonly { readonly topic: string; readonly confirmed: number; readonly inKafka: number }[] =>
  Object.entries(confirmed).flatMap(([topic, count]) => {
    const inKafka = logs.reduce((sum, log) => sum + (log.topic === topic ? Number(log.endOffset) : 0), 0);
    return count > inKafka ? [{ topic, confirmed: count, inKafka }] : [];
  });
