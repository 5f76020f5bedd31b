/**
 * The settings of the profile `observe` (deploy/compose.yaml) in the programs themselves, without containers. Prometheus
 * runs; Alertmanager is Debian's, which looks for its templates where only an installed one has them, so its settings
 * are checked and asked by amtool, and a receiver takes its place. Grafana and the trace store do not run here.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { defineServer, freePort, prometheusFiles, stateFolder } from '#local';
import type { Server } from '#local';
import { eventually } from '#kit/eventually';
import { ROOT } from '#kit/root';
import { amtoolPath } from '../kit/amtool.ts';
import { allAlerts } from '../../tools/observability/all-rules.ts';

const FETCH_LIMIT_MS = 600_000;
const RUN_LIMIT_MS = 120_000;
const OBSERVABILITY = join(ROOT, 'deploy', 'observability');
const ALERTMANAGER_YAML = join(OBSERVABILITY, 'alertmanager.yaml');

let root = '';
let amtoolFile = '';
let prometheus: Server | undefined;
let target: http.Server;
const listening: http.Server[] = [];
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'dakia-observe-'));
  amtoolFile = amtoolPath();
  prometheusFiles();
  // A process of Dakia that has just started, as far as Prometheus sees it.
  target = http.createServer((_request, response) => response.end('dakia_build_info{version="1",node="24"} 1\n'));
  listening.push(target);
  await new Promise<void>((resolve) => void target.listen(0, '127.0.0.1', resolve));
}, FETCH_LIMIT_MS);
afterAll(async () => {
  await prometheus?.stop();
  for (const server of listening) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(root, { recursive: true, force: true });
});

const amtool = (...args: readonly string[]): string => {
  const { status, stdout, stderr } = spawnSync(amtoolFile, [...args], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : `exit code ${status ?? 'none'}: ${stdout}${stderr}`;
};

/** Who Alertmanager gives an alert with these labels to. */
const receiverOf = (labels: Readonly<Record<string, string>>): string =>
  amtool(
    ...['config', 'routes', 'test', `--config.file=${ALERTMANAGER_YAML}`],
    ...Object.entries(labels).map(([name, value]) => `${name}=${value}`),
  );

test('Alertmanager takes its settings', () => {
  expect(amtool('check-config', ALERTMANAGER_YAML)).toMatch(/SUCCESS/);
});

test('every alert goes to who its severity says, the watchdog to its own switch, anything else to nobody', () => {
  const severities = [...new Set(allAlerts.map(({ severity }) => severity))];
  expect([...severities].sort()).toEqual(['none', 'page', 'ticket']);
  expect(receiverOf({ alertname: 'DakiaNoTraffic', severity: 'page' })).toBe('page');
  expect(receiverOf({ alertname: 'DakiaParkedOld', severity: 'ticket' })).toBe('ticket');
  expect(receiverOf({ alertname: 'DakiaWatchdog', severity: 'none' })).toBe('dead-mans-switch');
  expect(receiverOf({ alertname: 'OfAnotherTeam' })).toBe('nobody');
});

interface Container {
  readonly profiles?: readonly string[];
  readonly image: string;
  readonly volumes?: readonly string[];
}
const yamlOf = <Shape>(...path: readonly string[]): Shape =>
  parse(readFileSync(join(ROOT, 'deploy', ...path), 'utf8')) as Shape;
const observed = (): Readonly<Record<string, Container>> =>
  Object.fromEntries(
    Object.entries(yamlOf<{ readonly services: Readonly<Record<string, Container>> }>('compose.yaml').services).filter(
      ([, { profiles = [] }]) => profiles.includes('observe'),
    ),
  );
/** What lies where in a container: place there → place here; of files of the repository only. */
const mountsOf = ({ volumes = [] }: Container): ReadonlyMap<string, string> =>
  new Map(
    volumes
      .map((volume) => volume.split(':'))
      .filter(([from]) => from?.startsWith('./'))
      .map(([from = '', to = '']) => [to, join(ROOT, 'deploy', from)]),
  );

test('the profile mounts files that are there, each for reading only, and has an image for every program', () => {
  const containers = observed();
  expect(Object.keys(containers).sort()).toEqual(['alertmanager', 'grafana', 'prometheus', 'traces']);
  const images = readFileSync(join(ROOT, 'deploy', 'images.env'), 'utf8');
  for (const [name, container] of Object.entries(containers)) {
    for (const [, from] of mountsOf(container)) expect([name, from, existsSync(from)]).toEqual([name, from, true]);
    for (const volume of container.volumes ?? [])
      if (volume.startsWith('./')) expect([name, volume]).toEqual([name, expect.stringMatching(/:ro$/)]);
    const variable = /^\$\{(\w+)/.exec(container.image)?.[1] ?? 'no variable';
    expect(images).toMatch(new RegExp(`^${variable}=\\S+:\\S+$`, 'm'));
  }
});

test('Grafana is provisioned with the dashboards, a Prometheus and a trace store, under the names that they have', () => {
  const { grafana, ...others } = observed();
  const mounts = mountsOf(grafana ?? { image: '' });
  const { datasources } = yamlOf<{
    readonly datasources: readonly {
      readonly uid: string;
      readonly type: string;
      readonly url: string;
      readonly jsonData?: { readonly exemplarTraceIdDestinations?: readonly { readonly datasourceUid: string }[] };
    }[];
  }>('observability', 'grafana', 'datasources.yaml');
  expect(datasources.map(({ type }) => type)).toEqual(['prometheus', 'jaeger']);
  for (const { url } of datasources) expect(Object.keys(others)).toContain(new URL(url).hostname);
  const linked = datasources.flatMap(({ jsonData }) => jsonData?.exemplarTraceIdDestinations ?? []);
  expect(linked.map(({ datasourceUid }) => datasourceUid)).toEqual(['traces']);
  expect(datasources.map(({ uid }) => uid)).toContain('traces');

  const { providers } = yamlOf<{ readonly providers: readonly { readonly options: { readonly path: string } }[] }>(
    'observability',
    'grafana',
    'dashboards.yaml',
  );
  const folder = mounts.get(providers[0]?.options.path ?? '') ?? '';
  const dashboards = readdirSync(folder).map(
    (file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as { readonly uid: string },
  );
  expect(dashboards.map(({ uid }) => uid).sort()).toEqual(
    ['consumers', 'ingest', 'notifications', 'overview', 'retries', 'runtime'].map((name) => `dakia-${name}`),
  );
  // Where Grafana looks for what it is to be provisioned with.
  for (const kind of ['datasources', 'dashboards'])
    expect(mounts.get(`/etc/grafana/provisioning/${kind}/dakia.yaml`)).toBe(
      join(OBSERVABILITY, 'grafana', `${kind}.yaml`),
    );
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

type Labels = Readonly<Record<string, string>>;

/** Takes alerts as Alertmanager's API does (POST /api/v2/alerts). */
const startReceiver = async (): Promise<{ readonly port: number; readonly told: () => readonly Labels[] }> => {
  const told: Labels[] = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (piece: string) => void (body += piece));
    request.on('end', () => {
      if (request.url === '/api/v2/alerts')
        told.push(...(JSON.parse(body) as readonly { readonly labels: Labels }[]).map(({ labels }) => labels));
      response.end();
    });
  });
  listening.push(server);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, told: () => told };
};

test(
  'Prometheus scrapes, plays the rules, and tells Alertmanager of the watchdog, which goes to its own switch',
  async () => {
    const alertmanager = await startReceiver();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const data = join(root, 'data');
    mkdirSync(data);
    const { prometheus: command, args } = prometheusFiles();
    const config = here('prometheus.yaml', {
      '/etc/prometheus/alerts': join(OBSERVABILITY, 'alerts'),
      'alertmanager:9093': `127.0.0.1:${alertmanager.port}`,
      'host.docker.internal:9400': `127.0.0.1:${(target.address() as AddressInfo).port}`,
    });
    prometheus = defineServer(
      {
        name: 'prometheus',
        kind: 'server',
        command,
        args: [
          ...[`--config.file=${config}`, `--storage.tsdb.path=${data}`, '--enable-feature=exemplar-storage'],
          // What fires before it has found Alertmanager is lost, and told again after a minute.
          ...[`--web.listen-address=127.0.0.1:${port}`, '--rules.alert.resend-delay=2s', ...args],
        ],
        ready: async () => (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok === true,
        readyWithinMs: 60_000,
        stopSignal: 'SIGTERM',
        stopWithinMs: 10_000,
      },
      stateFolder(join(root, 'prometheus')),
    );
    await prometheus.start();
    const watchdog = await eventually(
      'the watchdog is told',
      () => alertmanager.told().find(({ alertname }) => alertname === 'DakiaWatchdog'),
      60_000,
    );
    expect(receiverOf(watchdog)).toBe('dead-mans-switch');
    await eventually('the target is scraped', async () => {
      const query = 'up{job="dakia",namespace="local"}';
      const { data: found } = (await (
        await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`)
      ).json()) as {
        readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
      };
      return found.result[0]?.value[1] === '1';
    });
  },
  RUN_LIMIT_MS,
);
