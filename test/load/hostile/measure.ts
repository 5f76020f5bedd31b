import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { topics } from '#catalogue';
import { freePort } from '#local';
import { headersOf, sign } from '#simulator';
import type { SimulatedEvent } from '#simulator';
import { startChild } from '../child.ts';
import { residentBytes } from '../process-usage.ts';
import { eventsOf } from '../requests.ts';
import type { Report, Stack } from '../stack.ts';
import { quantile, rounded } from '../statistics.ts';
import { attackNames } from './attacks.ts';
import type { AttackName, Target } from './attacks.ts';

/** What one attack does to genuine deliveries, beside undisturbed ones in the same run. */
export interface AttackResult {
  readonly attack: AttackName;
  /** Genuine p99 under attack as a multiple of the undisturbed p99 measured just before. */
  readonly ratio_p99: number;
  readonly p99_ms: number;
  /** Genuine deliveries that were not answered 200 within SENDER_WAITS_MS, of `sent`. */
  readonly lost: number;
  readonly sent: number;
  /** Most memory of the process under attack beyond what it had before, in MB. */
  readonly rss_more_mb: number;
}
export interface HostileResult {
  readonly attacks: readonly AttackResult[];
}

const SECRET = 'bench-secret-of-no-endpoint';
/** Razorpay opens a connection per delivery and waits this long. */
const SENDER_WAITS_MS = 5_000;
const GENUINE_PER_SECOND = 40;
/** An attack stands before genuine deliveries are counted. */
const ATTACK_BUILDS_UP_MS = 1_000;
const REST_MS = 1_000;
const WARM_UP_SECONDS = 5;
const RSS_EVERY_MS = 100;
const MB = 1_000_000;

export const measureHostile = async (stack: Stack, seconds: number, report: Report): Promise<HostileResult> => {
  const prefix = await stack.createTopics(topics);
  const target: Target = { webhookPort: await freePort(), opsPort: await freePort() };
  const server = startChild('ingest/server', stack.logs, {
    ...stack.environment,
    DAKIA_TOPIC_PREFIX: prefix,
    DAKIA_WEBHOOK_HOST: '127.0.0.1',
    DAKIA_WEBHOOK_PORT: String(target.webhookPort),
    DAKIA_OPS_PORT: String(target.opsPort),
    DAKIA_DRAIN_DELAY_MS: '0',
    RAZORPAY_WEBHOOK_SECRETS: SECRET,
  });
  const attacker = startChild('hostile/attacker', stack.logs, stack.environment);
  const results: AttackResult[] = [];
  try {
    await server.ask('start', 'real');
    const events = eventsOf('hostile', GENUINE_PER_SECOND * (WARM_UP_SECONDS + attackNames.length * 2 * seconds));
    let number = 0;
    const genuine = (during: number): Promise<Genuine> => {
      const mine = events.slice(number, (number += GENUINE_PER_SECOND * during));
      return sendGenuine(target.webhookPort, mine);
    };
    await genuine(WARM_UP_SECONDS);
    for (const attack of attackNames) {
      const before = await genuine(seconds);
      const rssBefore = residentBytes(server.pid);
      const memory = watchMemory(server.pid);
      await attacker.ask('begin', { attack, target });
      await delay(ATTACK_BUILDS_UP_MS);
      const during = await genuine(seconds);
      await attacker.ask('end');
      const rssMore = Math.max(0, memory.stop() - rssBefore);
      await delay(REST_MS);
      const p99 = quantile(during.latenciesMs, 0.99);
      const result: AttackResult = {
        attack,
        ratio_p99: rounded(p99 / quantile(before.latenciesMs, 0.99)),
        p99_ms: rounded(p99),
        lost: during.lost,
        sent: during.latenciesMs.length,
        rss_more_mb: rounded(rssMore / MB),
      };
      results.push(result);
      report(
        'hostile',
        `${attack}: p99 ${result.p99_ms} ms, ${result.ratio_p99} of undisturbed; ${result.lost} of ` +
          `${result.sent} lost; ${result.rss_more_mb} MB more`,
      );
    }
    return { attacks: results };
  } finally {
    await Promise.all([server.stop(), attacker.stop()]);
  }
};

interface Genuine {
  /** Of every delivery; one that was lost counts with the whole time that its sender waits. */
  readonly latenciesMs: readonly number[];
  readonly lost: number;
}

/** Sends on a clock, whatever the answers: time counts from when a delivery was due. */
const sendGenuine = async (port: number, events: readonly SimulatedEvent[]): Promise<Genuine> => {
  const begin = performance.now();
  const outcomes = await Promise.all(
    events.map(async (event, index) => {
      const due = begin + (index * 1000) / GENUINE_PER_SECOND;
      await delay(Math.max(0, due - performance.now()));
      const status = await post(port, event);
      return status === 200 ? performance.now() - due : undefined;
    }),
  );
  const latenciesMs = outcomes.map((ms) => ms ?? SENDER_WAITS_MS);
  return { latenciesMs, lost: outcomes.filter((ms) => ms === undefined).length };
};

/** The status, or undefined when none came in time. */
const post = (port: number, { eventId, body }: SimulatedEvent): Promise<number | undefined> =>
  new Promise((resolve) => {
    const headers = { ...headersOf(eventId, sign(SECRET, body)), 'Content-Length': body.length };
    const request = http.request(
      {
        host: '127.0.0.1',
        port,
        path: '/webhooks/razorpay',
        method: 'POST',
        headers,
        agent: false,
        timeout: SENDER_WAITS_MS,
      },
      (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode));
        response.once('error', () => resolve(undefined));
      },
    );
    const limit = setTimeout(() => request.destroy(), SENDER_WAITS_MS);
    request.once('close', () => {
      clearTimeout(limit);
      resolve(undefined);
    });
    request.on('error', () => resolve(undefined));
    request.end(body);
  });

const watchMemory = (pid: number): { readonly stop: () => number } => {
  let most = 0;
  const timer = setInterval(() => (most = Math.max(most, residentBytes(pid))), RSS_EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return most;
    },
  };
};
