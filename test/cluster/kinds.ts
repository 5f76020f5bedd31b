/**
 * `node test/cluster/kinds.ts DIR`: every object that the chart renders for its cases, operators' kinds included, is
 * offered to the API server of KUBECONFIG (server-side dry run, strict), and with a misspelt field it must be refused.
 * DIR holds the operators' CRDs, as YAML. CRDs and namespaces that were not there are made, and taken away at the end.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { caseNames, rendered } from '../chart/kit/render.ts';
import type { Manifest } from '../chart/kit/render.ts';
import { chartTools } from '../chart/kit/tools.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined || process.env['KUBECONFIG'] === undefined) {
  process.stderr.write('Set KUBECONFIG and give the folder of the CRDs: test/cluster/kinds.ts DIR\n');
  process.exit(2);
}
const ESTABLISHED_WITHIN = '60s';
const { kubectl } = chartTools();

const ask = (args: readonly string[], input?: string): { readonly ok: boolean; readonly said: string } => {
  const { status, stdout, stderr } = spawnSync(kubectl, [...args], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    ...(input !== undefined && { input }),
  });
  return { ok: status === 0, said: status === 0 ? stdout : stderr };
};
const make = (args: readonly string[]): void => {
  const { ok, said } = ask(args);
  if (!ok) throw new Error(said);
};
const offer = (objects: readonly Manifest[]): { readonly ok: boolean; readonly said: string } =>
  ask(
    ['apply', '--dry-run=server', '--validate=strict', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
  );
const names = (kind: string): ReadonlySet<string> =>
  new Set(
    ask(['get', kind, '-o', 'name'])
      .said.split('\n')
      .filter((name) => name !== ''),
  );

/** A suffix keeps the namespaces apart from those of others. */
const suffix = randomBytes(3).toString('hex');
const moved = (object: Manifest): Manifest =>
  object.metadata.namespace === undefined
    ? object
    : { ...object, metadata: { ...object.metadata, namespace: `${object.metadata.namespace}-${suffix}` } };

const objects = new Map(caseNames.map((name) => [name, rendered(name).map(moved)]));
const namespaces = new Set([...objects.values()].flat().flatMap(({ metadata }) => metadata.namespace ?? []));
const before = names('customresourcedefinitions');
let failed = 0;
try {
  for (const file of readdirSync(folder).filter((name) => /\.ya?ml$/.test(name)))
    make(['apply', '--server-side', '-f', join(folder, file)]);
  make([
    'wait',
    '--for=condition=Established',
    `--timeout=${ESTABLISHED_WITHIN}`,
    'customresourcedefinitions',
    '--all',
  ]);
  for (const namespace of namespaces) make(['create', 'namespace', namespace]);

  for (const [name, all] of objects) {
    const { ok, said } = offer(all);
    if (!ok) failed += 1;
    process.stdout.write(ok ? `ok      ${name}: ${all.length} objects are taken\n` : `FAILED  ${name}: ${said}`);
  }
  const withSpec = [...objects.values()].flat().filter((object) => object['spec'] !== undefined);
  const kinds = new Map(withSpec.map((object) => [object.kind, object]));
  const wrong = [...kinds.values()].filter(
    (object) => offer([{ ...object, spec: { ...(object['spec'] as object), replicaz: 3 } }]).ok,
  );
  if (wrong.length > 0) failed += 1;
  process.stdout.write(
    wrong.length === 0
      ? `ok      a misspelt field is refused in each of ${[...kinds.keys()].sort().join(', ')}\n`
      : `FAILED  a misspelt field is taken in ${wrong.map(({ kind }) => kind).join(', ')}\n`,
  );
} finally {
  for (const namespace of namespaces) ask(['delete', 'namespace', namespace, '--wait=false']);
  const made = [...names('customresourcedefinitions')].filter((name) => !before.has(name));
  if (made.length > 0) ask(['delete', ...made]);
}
process.exit(failed === 0 ? 0 : 1);
