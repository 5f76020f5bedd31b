import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { StateFolder } from './folders.ts';
import { LOOPBACK, portOrFree } from './ports.ts';
import type { PrometheusFiles } from './prometheus-files.ts';
import { defineServer } from './server-process.ts';
import type { Server } from './server-process.ts';

/** A job of Prometheus: what it scrapes, and the labels of what comes from there. */
export interface ScrapeJob {
  readonly name: string;
  /** host:port. */
  readonly targets: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

export interface PrometheusOptions {
  readonly files: PrometheusFiles;
  readonly folder: StateFolder;
  /** 0 takes a free one. */
  readonly port: number;
  readonly jobs: readonly ScrapeJob[];
  /** Absolute paths of rule files. */
  readonly rules: readonly string[];
  /** How often it scrapes and looks at the rules, in s. */
  readonly everySeconds: number;
}

export interface Prometheus {
  readonly server: Server;
  readonly url: string;
}

const READY_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 10_000;
const RETENTION = '15d';

/** One Prometheus on loopback, with its data in the state folder. */
export const startPrometheus = async (options: PrometheusOptions): Promise<Prometheus> => {
  const { files, folder, jobs, rules, everySeconds } = options;
  const port = await portOrFree(options.port);
  const url = `http://${LOOPBACK}:${port}`;
  const config = join(folder.root, 'prometheus.yaml');
  const every = `${everySeconds}s`;
  writeFileSync(
    config,
    stringify({
      global: { scrape_interval: every, scrape_timeout: every, evaluation_interval: every },
      rule_files: rules,
      scrape_configs: jobs.map(({ name, targets, labels }) => ({
        job_name: name,
        static_configs: [{ targets, ...(labels !== undefined && { labels }) }],
      })),
    }),
  );
  const data = join(folder.data, 'prometheus');
  mkdirSync(data, { recursive: true });
  const server = defineServer(
    {
      name: 'prometheus',
      kind: 'server',
      command: files.prometheus,
      args: [
        ...['--config.file', config, '--storage.tsdb.path', data, '--storage.tsdb.retention.time', RETENTION],
        ...['--web.listen-address', `${LOOPBACK}:${port}`, '--enable-feature', 'exemplar-storage', ...files.args],
      ],
      ready: async () => (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok === true,
      readyWithinMs: READY_WITHIN_MS,
      stopSignal: 'SIGTERM',
      stopWithinMs: STOP_WITHIN_MS,
    },
    folder,
  );
  await server.start();
  return { server, url };
};
