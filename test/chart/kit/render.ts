import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { CHART, chartTools } from './tools.ts';

/** An object of Kubernetes as the chart renders it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

export type Rendered =
  | { readonly ok: true; readonly text: string; readonly objects: readonly Manifest[] }
  | { readonly ok: false; readonly message: string };

/** Shipped beside the chart, as the start of a deployment's own. */
const PRODUCTION = 'values-production';
/** The value files that stand for kinds of deployments; each is rendered by the tests. */
export const caseNames: readonly string[] = [
  PRODUCTION,
  ...readdirSync(join(CHART, 'ci'))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -'.yaml'.length)),
];
export const caseFile = (name: string): string =>
  name === PRODUCTION ? join(CHART, `${name}.yaml`) : join(CHART, 'ci', `${name}.yaml`);

export const helm = (
  args: readonly string[],
): { readonly ok: boolean; readonly stdout: string; readonly stderr: string } => {
  const { status, stdout, stderr } = spawnSync(chartTools().helm, [...args], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, KUBECONFIG: '/dev/null' },
  });
  return { ok: status === 0, stdout, stderr };
};

/** `helm template` of release `dakia` in namespace `payments`. `set`: values as `--set-json` takes them. */
export const render = ({
  files,
  set = {},
  chart = CHART,
  more = [],
}: {
  readonly files: readonly string[];
  readonly set?: Readonly<Record<string, unknown>>;
  readonly chart?: string;
  readonly more?: readonly string[];
}): Rendered => {
  const values = Object.entries(set).flatMap(([path, value]) => ['--set-json', `${path}=${JSON.stringify(value)}`]);
  const { ok, stdout, stderr } = helm([
    'template',
    'dakia',
    chart,
    '--namespace',
    'payments',
    ...files.flatMap((file) => ['--values', file]),
    ...values,
    ...more,
  ]);
  if (!ok) return { ok, message: stderr };
  const objects = parseAllDocuments(stdout).flatMap((document) => {
    if (document.errors.length > 0) throw new Error(`not YAML: ${document.errors.map(String).join('; ')}`);
    const value: unknown = document.toJS();
    return value === null ? [] : [value];
  });
  return { ok, text: stdout, objects };
};

const remembered = new Map<string, readonly Manifest[]>();

/** The objects of one of the cases, rendered once for a test file. Throws where the chart does not render. */
export const rendered = (name: string, set: Readonly<Record<string, unknown>> = {}): readonly Manifest[] => {
  const key = JSON.stringify([name, set]);
  const known = remembered.get(key);
  if (known !== undefined) return known;
  const result = render({ files: [caseFile(name)], set });
  if (!result.ok) throw new Error(`${name} does not render: ${result.message}`);
  remembered.set(key, result.objects);
  return result.objects;
};
