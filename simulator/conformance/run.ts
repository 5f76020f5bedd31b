import type { Transaction } from '#platform/postgres';
import { printedId, scenarios } from './scenarios.ts';
import type { NotRun, Scenario, Size } from './scenarios.ts';
import { NotAsDemanded, openDeployment } from './deployment.ts';
import type { Receiver } from './deployment.ts';

export interface ScenarioResult {
  readonly id: string;
  readonly title: string;
  readonly evidence: Scenario['evidence'];
  /** `answers only`: every delivery was answered as it must be; there was no Postgres to look further. */
  readonly result: 'passed' | 'answers only' | 'failed' | NotRun;
  readonly ms: number | null;
  /** Event ids of the first deliveries that were made for it. */
  readonly proof: readonly string[];
  /** How many deliveries that were. */
  readonly deliveries: number;
  /** What was not as demanded; else what the scenario shows, or why it is not run. */
  readonly says: string;
}

export interface ConformanceReport {
  readonly ok: boolean;
  readonly summary: string;
  readonly scenarios: readonly ScenarioResult[];
}

const PROOF_SHOWN = 2;

/**
 * Runs every scenario that a receiver can show, one after the other, against a running
 * Dakia, and looks at all of them once more at the end. It leaves made-up orders, payments,
 * refunds and downtimes behind. Without `db` only answers are seen, and the report says so.
 */
export const runConformance = async (
  receiver: Receiver,
  db: Pick<Transaction, 'query'> | undefined,
  size: Size,
  progress: (done: number) => void = () => undefined,
): Promise<ConformanceReport> => {
  const results: ScenarioResult[] = [];
  const again: (() => Promise<void>)[] = [];
  for (const [index, scenario] of scenarios.entries()) {
    const deployment = openDeployment(receiver, db);
    const startedAt = performance.now();
    const { id: _, title, evidence, says, run } = scenario;
    const base = { id: printedId(scenario), title, evidence, says };
    if (typeof run === 'string') {
      results.push({ ...base, result: run, ms: null, proof: [], deliveries: 0 });
      continue;
    }
    const failure = await failureOf(async () => run(deployment, size));
    again.push(async () => {
      const later = await failureOf(deployment.lookAgain);
      const result = results[index] as ScenarioResult;
      if (later !== undefined && result.result !== 'failed')
        results[index] = { ...result, result: 'failed', says: later };
    });
    results.push({
      ...base,
      ...(failure === undefined ? {} : { says: failure }),
      result: failure !== undefined ? 'failed' : deployment.isBlind() ? 'answers only' : 'passed',
      ms: Math.round(performance.now() - startedAt),
      proof: deployment.proof.slice(0, PROOF_SHOWN),
      deliveries: deployment.proof.length,
    });
    progress(results.length);
  }
  for (const look of again) await look();
  return { ok: results.every(({ result }) => result !== 'failed'), summary: summaryOf(results), scenarios: results };
};

const failureOf = async (work: () => Promise<void>): Promise<string | undefined> => {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof NotAsDemanded) return error.message;
    throw error;
  }
};

/** Honest: how many of all that are known, and how many of them a receiver could show. */
const summaryOf = (results: readonly ScenarioResult[]): string => {
  const of = (...kinds: readonly ScenarioResult['result'][]): number =>
    results.filter(({ result }) => kinds.includes(result)).length;
  const run = of('passed', 'answers only', 'failed');
  const seen =
    of('answers only') > 0
      ? `${of('answers only')} are shown by answers only, as there was no DATABASE_URL`
      : `${of('passed')} pass`;
  return (
    `${run} of ${results.length} known scenarios were run, ${seen}, ${of('failed')} fail; ` +
    `${of("not a receiver's matter")} are no receiver's matter, ${of('not shown')} need Razorpay's API, ` +
    `${of('not readable, not run')} are not readable`
  );
};
