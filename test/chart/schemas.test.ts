import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { checkOperatorKinds } from './kit/operators.ts';
import { isBuiltIn, KUBERNETES_VERSIONS, kubernetesValidator } from './kit/kubernetes.ts';
import { caseFile, caseNames, helm, render, rendered } from './kit/render.ts';
import type { Manifest } from './kit/render.ts';
import { CHART, ROOT } from './kit/tools.ts';

const describeObject = ({ kind, metadata }: Manifest): string => `${kind} ${metadata.name}`;
const issuesOf = (objects: readonly Manifest[], issues: (object: Manifest) => readonly string[]): readonly string[] =>
  objects.flatMap((object) => issues(object).map((issue) => `${describeObject(object)}: ${issue}`));

/** Alerts and dashboards lie in deploy/observability; helm says once for each look that it followed the link. */
const FOLLOWED_LINK = /^level=INFO msg="found symbolic link in path.* path=\S+\/charts\/dakia\/observability .*\n/gm;

test('helm lint finds nothing to warn of', () => {
  for (const name of caseNames) {
    const { ok, stdout, stderr } = helm(['lint', CHART, '--strict', '--values', caseFile(name)]);
    expect({
      name,
      ok,
      stderr: stderr.replaceAll(FOLLOWED_LINK, ''),
      warnings: stdout.split('\n').filter((line) => /^\[(WARNING|ERROR)\]/.test(line)),
    }).toEqual({ name, ok: true, stderr: '', warnings: [] });
  }
});

describe.each(KUBERNETES_VERSIONS)('the OpenAPI of Kubernetes %s', (version) => {
  const validate = kubernetesValidator(version);

  test.each(caseNames)('knows every field of %s', (name) => {
    const objects = rendered(name).filter(isBuiltIn);
    expect(objects.length).toBeGreaterThan(10);
    expect(issuesOf(objects, validate)).toEqual([]);
  });

  test.each([
    [
      'a field that is misspelt',
      (spec: Record<string, unknown>) => ({ ...spec, terminationGracePeriodSecond: 3 }),
      'must NOT have additional properties',
    ],
    ['a number that is text', (spec: Record<string, unknown>) => ({ ...spec, replicas: 'three' }), 'must be integer'],
    [
      'a field that is missing',
      ({ selector: _, ...spec }: Record<string, unknown>) => spec,
      "must have required property 'selector'",
    ],
  ])('refuses %s', (_what, change, message) => {
    const deployment = rendered('minimal').find(({ kind }) => kind === 'Deployment');
    if (deployment === undefined) throw new Error('no Deployment');
    const broken = { ...deployment, spec: change(deployment['spec'] as Record<string, unknown>) };
    expect(validate(broken).join('\n')).toContain(message);
  });
});

describe("the operators' schemas", () => {
  const objects = caseNames.flatMap((name) => rendered(name).filter((object) => !isBuiltIn(object)));

  test('know every field of every object', () => {
    const found = checkOperatorKinds(objects);
    expect(new Set(objects.map(({ kind }) => kind))).toEqual(
      new Set([
        'ScaledObject',
        'TriggerAuthentication',
        'HTTPRoute',
        'SecurityPolicy',
        'ExternalSecret',
        'PodMonitor',
        'ServiceMonitor',
        'PrometheusRule',
        'KafkaTopic',
        'KafkaUser',
      ]),
    );
    expect(
      objects.flatMap((object, index) =>
        (found[index] ?? ['not checked']).map((issue) => `${describeObject(object)}: ${issue}`),
      ),
    ).toEqual([]);
  });

  test('know every field of the example in docs/exposing.md', () => {
    const [, section = ''] = readFileSync(join(ROOT, 'docs', 'exposing.md'), 'utf8').split('\n## Gateway API\n');
    const [, example = ''] = /```yaml\n([^]*?)```/.exec(section) ?? [];
    const written = parseAllDocuments(example).map((document) => document.toJS() as Manifest);
    expect(written.map(describeObject)).toEqual(['Gateway webhooks', 'HTTPRoute dakia-webhooks']);
    expect(checkOperatorKinds(written)).toEqual([[], []]);
    const misspelt = written.map((object) => ({ ...object, spec: { ...(object['spec'] as object), hostnamez: [] } }));
    expect(checkOperatorKinds(misspelt).every((issues) => issues.join().includes('hostnamez'))).toBe(true);
  });

  test('refuse a field that is misspelt, wherever it is', () => {
    const misspelt = objects.map((object) => ({ ...object, spec: { ...(object['spec'] as object), replicaz: 3 } }));
    const found = checkOperatorKinds(misspelt);
    expect(found.filter((issues) => issues.join().includes('/spec/replicaz is not a field of the kind'))).toHaveLength(
      objects.length,
    );
    const deep = objects.filter(({ kind }) => kind === 'ScaledObject').map((object) => structuredClone(object));
    for (const object of deep)
      (
        object['spec'] as {
          advanced: { horizontalPodAutoscalerConfig: { behavior: { scaleDown: Record<string, unknown> } } };
        }
      ).advanced.horizontalPodAutoscalerConfig.behavior.scaleDown['stabilisationWindowSeconds'] = 1;
    expect(
      checkOperatorKinds(deep).every((issues) => issues.join().includes('stabilisationWindowSeconds is not a field')),
    ).toBe(true);
  });
});

test('the same values render the same text, byte for byte', () => {
  for (const name of caseNames)
    expect(render({ files: [caseFile(name)] })).toEqual(render({ files: [caseFile(name)] }));
});

test('a Kubernetes that is too old is refused with the version that is needed', () => {
  const result = render({ files: [caseFile('minimal')], more: ['--kube-version', '1.29.0'] });
  expect(result).toMatchObject({ ok: false, message: expect.stringContaining('>=1.30.0-0') as unknown });
});
