import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openTestApp } from '../kit/ingest/app.ts';
import { oddBody, oddRequest } from './mutations.ts';
import { createRandom } from './random.ts';
import { tryCase } from './targets.ts';
import type { FuzzCase } from './targets.ts';

export interface FuzzOptions {
  readonly seed: number;
  readonly seconds: number;
  /** Inputs by chance, at most; without it only the time ends them. */
  readonly casesMax?: number;
}

export interface FuzzReport {
  readonly cases: number;
  /** What failed, with the file that it is kept in. */
  readonly failures: readonly string[];
}

const CORPUS = join(import.meta.dirname, 'corpus');
/** Two of three are bodies: they go further. */
const BODY_SHARE = 2 / 3;
/** A run that finds more has found its reason. */
const FAILURES_MAX = 10;

/** What has failed once, tried first at every run. */
const readCorpus = (): readonly FuzzCase[] =>
  readdirSync(CORPUS)
    .filter((file) => file.endsWith('.json'))
    .map((file) => {
      const { kind, base64 } = JSON.parse(readFileSync(join(CORPUS, file), 'utf8')) as Pick<FuzzCase, 'kind'> & {
        readonly base64: string;
      };
      return { kind, bytes: Buffer.from(base64, 'base64') };
    });

const keep = ({ kind, bytes }: FuzzCase, why: string): string => {
  mkdirSync(CORPUS, { recursive: true });
  const file = join(CORPUS, `${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}.json`);
  writeFileSync(file, `${JSON.stringify({ kind, why, base64: bytes.toString('base64') }, null, 2)}\n`);
  return file;
};

/** The corpus, then inputs by chance until the time is over or they are enough. What fails is added to the corpus. */
export const fuzz = async ({ seed, seconds, casesMax = Infinity }: FuzzOptions): Promise<FuzzReport> => {
  const random = createRandom(seed);
  const until = performance.now() + seconds * 1_000;
  const app = await openTestApp();
  const failures: string[] = [];
  let cases = 0;
  const attempt = async (input: FuzzCase): Promise<void> => {
    cases += 1;
    try {
      await tryCase(app, input);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      failures.push(`${why}: ${keep(input, why)}`);
      app.published.length = 0;
    }
  };
  try {
    for (const input of readCorpus()) await attempt(input);
    const casesEnd = cases + casesMax;
    while (cases < casesEnd && performance.now() < until && failures.length < FAILURES_MAX)
      await attempt(
        random.next() < BODY_SHARE
          ? { kind: 'body', bytes: oddBody(random) }
          : { kind: 'request', bytes: oddRequest(random) },
      );
  } finally {
    await app.close();
  }
  return { cases, failures };
};
