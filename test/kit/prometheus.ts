import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, prometheusFiles, stateFolder, startPrometheus } from '#local';
import type { ScrapeJob } from '#local';

/** One time series of an answer; values as numbers, NaN among them. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: readonly number[];
}

/** An alert as Prometheus lists it. */
export interface ActiveAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
}

export interface TestPrometheus {
  readonly url: string;
  /**
   * All that a query answers from the start until now, a value for
   * each second. Throws what Prometheus finds wrong with it.
   */
  readonly range: (query: string) => Promise<readonly Series[]>;
  readonly alerts: () => Promise<readonly ActiveAlert[]>;
  readonly close: () => Promise<void>;
}

interface Answer<Data> {
  readonly status: 'success' | 'error';
  readonly error?: string;
  readonly data: Data;
}

/** A real Prometheus that scrapes every second and keeps nothing. */
export const openTestPrometheus = async (
  jobs: readonly ScrapeJob[],
  rules: readonly string[],
): Promise<TestPrometheus> => {
  const root = mkdtempSync(join(tmpdir(), 'dakia-prometheus-'));
  const startedS = Math.floor(Date.now() / 1000);
  const { server, url } = await startPrometheus({
    files: prometheusFiles(),
    folder: stateFolder(root),
    port: await freePort(),
    jobs,
    rules,
    everySeconds: 1,
  });
  const ask = async <Data>(path: string, parameters: Readonly<Record<string, string>>): Promise<Data> => {
    const answer = (await (
      await fetch(`${url}/api/v1/${path}`, { method: 'POST', body: new URLSearchParams(parameters) })
    ).json()) as Answer<Data>;
    if (answer.status === 'error') throw new Error(`${answer.error ?? 'an error'}: ${parameters['query'] ?? path}`);
    return answer.data;
  };
  return {
    url,
    range: async (query) => {
      const { result } = await ask<{
        readonly result: readonly { readonly metric: Series['labels']; readonly values: readonly [number, string][] }[];
      }>('query_range', { query, start: String(startedS), end: String(Date.now() / 1000), step: '1' });
      return result.map(({ metric, values }) => ({ labels: metric, values: values.map(([, value]) => Number(value)) }));
    },
    alerts: async () => {
      const answer = (await (await fetch(`${url}/api/v1/alerts`)).json()) as Answer<{
        readonly alerts: readonly ActiveAlert[];
      }>;
      return answer.data.alerts;
    },
    close: async () => {
      await server.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
};
