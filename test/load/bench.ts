/**
 * `npm run bench`: how fast Dakia is, as ratios within one run on
 * this machine. docs/performance.md says how to read them.
 */
import { runProgram } from '#local';
import { processEnvironment } from '#platform/config';
import { measureApply } from './apply/measure.ts';
import { stopChildren } from './child.ts';
import { measureEndToEnd } from './end-to-end/measure.ts';
import { measureHostile } from './hostile/measure.ts';
import { measureIngest } from './ingest/measure.ts';
import { measureNotify } from './notify/measure.ts';
import { readOptions, USAGE } from './options.ts';
import type { BenchOptions } from './options.ts';
import { openTree } from './other-tree.ts';
import type { OtherTree } from './other-tree.ts';
import { tableOf, thisMachine } from './report.ts';
import type { BenchResult } from './report.ts';
import { cleanCommit, save } from './saved-runs.ts';
import { measureScrape } from './scrape/measure.ts';
import { openStack } from './stack.ts';
import type { Report, Stack } from './stack.ts';
import { measureTraces } from './traces/measure.ts';

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

const began = performance.now();
const report: Report = (part, message) =>
  void process.stdout.write(
    `  ${((performance.now() - began) / 1000).toFixed(0).padStart(3)} s  ${part.padEnd(10)} ${message}\n`,
  );

const measure = async (stack: Stack, { parts, seconds }: BenchOptions, other?: OtherTree): Promise<BenchResult> => {
  const ingest = parts.includes('ingest') ? await measureIngest(stack, seconds, report, other) : undefined;
  const traces = parts.includes('traces') ? await measureTraces(stack, seconds, report) : undefined;
  const apply = parts.includes('apply') ? await measureApply(stack, seconds, report) : undefined;
  const endToEnd = parts.includes('end-to-end')
    ? await measureEndToEnd(stack, seconds, report, other, apply?.events_per_s)
    : undefined;
  const notify = parts.includes('notify') ? await measureNotify(stack, seconds, report) : undefined;
  const hostile = parts.includes('hostile') ? await measureHostile(stack, seconds, report) : undefined;
  const scrape = parts.includes('scrape') ? await measureScrape(report) : undefined;
  return {
    machine: thisMachine(),
    ...(other && { against: other.commit }),
    ...(ingest && { ingest }),
    ...(traces && { traces }),
    ...(apply && { apply }),
    ...(endToEnd && { end_to_end: endToEnd }),
    ...(notify && { notify }),
    ...(hostile && { hostile }),
    ...(scrape && { scrape }),
  };
};

/** The first request to stop. */
const interrupted = new AbortController();

const run = async (options: BenchOptions): Promise<number> => {
  const stopped = new Promise<never>((_, reject) =>
    interrupted.signal.addEventListener('abort', () => reject(new Error('stopped'))),
  );
  stopped.catch(() => undefined);
  let stack: Stack | undefined;
  let other: OtherTree | undefined;
  try {
    const commit = options.save ? cleanCommit() : undefined;
    other = options.against === undefined ? undefined : openTree(options.against);
    stack = await openStack(processEnvironment(), report, interrupted.signal);
    const result = await Promise.race([measure(stack, options, other), stopped]);
    process.stdout.write(`\n${tableOf(result)}\n\n${options.json ? `${JSON.stringify(result)}\n` : ''}`);
    if (commit !== undefined) save(commit, result);
    return 0;
  } catch (error) {
    if (interrupted.signal.aborted) return EXIT_INTERRUPTED;
    process.stderr.write(
      `\nnpm run bench: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return EXIT_FAILED;
  } finally {
    await stopChildren();
    await stack?.close();
    other?.remove();
  }
};

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());
await runProgram(USAGE, readOptions(process.argv.slice(2)), run);
