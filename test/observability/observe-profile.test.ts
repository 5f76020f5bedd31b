/**
 * The settings of the profile `observe` (deploy/compose.yaml) in the programs themselves, without containers: what is
 * left to them is the addresses that compose gives its containers, and Grafana and the trace store, which no registry
 * has.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineServer, freePort, prometheusFiles, stateFolder } from '#local';
import type { Server } from '#local';
import { eventually } from '#kit/eventually';
import { ROOT } from '#kit/root';
import { alertmanagerFiles } from '../kit/alertmanager.ts';
import type { AlertmanagerFiles } from '../kit/alertmanager.ts';
import { allAlerts } from '../../tools/observability/all-rules.ts';

const FETCH_LIMIT_MS = 600_000;
const RUN_LIMIT_MS = 120_000;
const STARTS = { kind: 'server', readyWithinMs: 60_000, stopSignal: 'SIGTERM', stopWithinMs: 10_000 } as const;
const OBSERVABILITY = join(ROOT, 'deploy', 'observability');
const ALERTMANAGER_YAML = join(OBSERVABILITY, 'alertmanager.yaml');

let root = '';
let files: AlertmanagerFiles;
const started: Server[] = [];
let target: http.Server;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'dakia-observe-'));
  files = alertmanagerFiles();
  prometheusFiles();
  // A process of Dakia that has just started, as far as Prometheus sees it.
  target = http.createServer((_request, response) => response.end('dakia_build_info{version="1",node="24"} 1\n'));
  await new Promise<void>((resolve) => void target.listen(0, '127.0.0.1', resolve));
}, FETCH_LIMIT_MS);
afterAll(async () => {
  for (const server of started.toReversed()) await server.stop();
  target.closeAllConnections();
  target.close();
  rmSync(root, { recursive: true, force: true });
});

const amtool = (...args: readonly string[]): string => {
  const { status, stdout, stderr } = spawnSync(files.amtool, [...args], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : `exit code ${status ?? 'none'}: ${stdout}${stderr}`;
};

test('Alertmanager takes its settings', () => {
  expect(amtool('check-config', ALERTMANAGER_YAML)).toMatch(/SUCCESS/);
});

test('every alert goes to who its severity says, the watchdog to its own switch, anything else to nobody', () => {
  const receiverOf = (labels: Readonly<Record<string, string>>): string =>
    amtool(
      ...['config', 'routes', 'test', `--config.file=${ALERTMANAGER_YAML}`],
      ...Object.entries(labels).map(([name, value]) => `${name}=${value}`),
    );
  const severities = [...new Set(allAlerts.map(({ severity }) => severity))];
  expect([...severities].sort()).toEqual(['none', 'page', 'ticket']);
  expect(receiverOf({ alertname: 'DakiaNoTraffic', severity: 'page' })).toBe('page');
  expect(receiverOf({ alertname: 'DakiaParkedOld', severity: 'ticket' })).toBe('ticket');
  expect(receiverOf({ alertname: 'DakiaWatchdog', severity: 'none' })).toBe('dead-mans-switch');
  expect(receiverOf({ alertname: 'OfAnotherTeam' })).toBe('nobody');
});

/** A file of the profile, with addresses and paths of this machine for those of containers; each must be in it. */
const here = (file: string, replacements: Readonly<Record<string, string>>): string => {
  let text = readFileSync(join(OBSERVABILITY, file), 'utf8');
  for (const [from, to] of Object.entries(replacements)) {
    expect([file, text.includes(from)]).toEqual([file, true]);
    text = text.replaceAll(from, to);
  }
  const path = join(root, file);
  writeFileSync(path, text);
  return path;
};

const urlOf = (port: number): string => `http://127.0.0.1:${port}`;

const startServer = async (name: string, command: string, args: readonly string[], url: string): Promise<void> => {
  const server = defineServer(
    {
      ...STARTS,
      name,
      command,
      args,
      ready: async () => (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok === true,
    },
    stateFolder(join(root, name)),
  );
  started.push(server);
  await server.start();
};

test(
  'Prometheus scrapes, plays the rules and tells Alertmanager, which gives the watchdog to its own switch',
  async () => {
    const [alertmanagerPort, prometheusPort] = [await freePort(), await freePort()];
    const [alertmanager, prometheus] = [urlOf(alertmanagerPort), urlOf(prometheusPort)];
    const storage = (name: string): string => {
      const folder = join(root, 'data', name);
      mkdirSync(folder, { recursive: true });
      return folder;
    };
    await startServer(
      'alertmanager',
      files.alertmanager,
      [
        `--config.file=${ALERTMANAGER_YAML}`,
        `--storage.path=${storage('alertmanager')}`,
        `--web.listen-address=127.0.0.1:${alertmanagerPort}`,
        '--cluster.listen-address=',
      ],
      alertmanager,
    );
    const { prometheus: command, args } = prometheusFiles();
    const config = here('prometheus.yaml', {
      '/etc/prometheus/alerts': join(OBSERVABILITY, 'alerts'),
      'alertmanager:9093': `127.0.0.1:${alertmanagerPort}`,
      'host.docker.internal:9400': `127.0.0.1:${(target.address() as AddressInfo).port}`,
    });
    await startServer(
      'prometheus',
      command,
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${storage('prometheus')}`,
        '--enable-feature=exemplar-storage',
        `--web.listen-address=127.0.0.1:${prometheusPort}`,
        ...args,
      ],
      prometheus,
    );
    const told = await eventually(
      'the watchdog is at Alertmanager',
      async () => {
        const alerts = (await (await fetch(`${alertmanager}/api/v2/alerts`)).json()) as readonly {
          readonly labels: Readonly<Record<string, string>>;
          readonly receivers: readonly { readonly name: string }[];
        }[];
        return alerts.find(({ labels }) => labels['alertname'] === 'DakiaWatchdog');
      },
      60_000,
    );
    expect(told.receivers.map(({ name }) => name)).toEqual(['dead-mans-switch']);
    await eventually('the target is scraped', async () => {
      const query = 'up{job="dakia",namespace="local"}';
      const url = `${prometheus}/api/v1/query?query=${encodeURIComponent(query)}`;
      const { data } = (await (await fetch(url)).json()) as {
        readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
      };
      return data.result[0]?.value[1] === '1';
    });
  },
  RUN_LIMIT_MS,
);
