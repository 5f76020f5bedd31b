import { traceSettings } from '#platform/config';
import type { Settings } from '#platform/config';
import { allServices } from '../../services/services.ts';
import { componentOf, containersOf, podsOf, secretBehind } from './kit/pods.ts';
import type { Container, Pod } from './kit/pods.ts';
import { caseNames, rendered } from './kit/render.ts';
import type { Manifest } from './kit/render.ts';

/** What the restricted Pod Security Standard lets a pod mount. */
const VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];
const CONSUMERS = ['payments', 'disputes', 'refunds', 'accounts', 'links', 'invoices', 'kept', 'quarantine'];
const isHook = ({ metadata }: Manifest): boolean => metadata.annotations?.['helm.sh/hook'] !== undefined;
const ofKind = (objects: readonly Manifest[], kind: string): readonly Manifest[] =>
  objects.filter((object) => object.kind === kind);
const specOf = <Spec>(object: Manifest): Spec => object['spec'] as Spec;
const mib = (quantity = ''): number => {
  const [, number] = /^(\d+)Mi$/.exec(quantity) ?? [];
  return Number(number);
};
/** Without an address: names for the ops ports of pods. */
const isOfOps = ({ labels }: Manifest['metadata']): boolean => ['metrics', 'ingest-ops'].includes(componentOf(labels));
/** What may stand in a file, and so never does in the environment of a pod. */
const SECRETS = new Set(
  [traceSettings as Settings, ...allServices.map(({ settings }) => settings)]
    .flatMap((settings) => Object.values(settings))
    .filter(({ secret, place }) => secret || place === 'either')
    .map(({ env }) => env),
);
const named = ({ object }: Pod): string => `${object.kind} ${object.metadata.name}`;

describe.each(caseNames)('%s', (name) => {
  const objects = rendered(name);
  const pods = podsOf(objects);
  const deployments = ofKind(objects, 'Deployment');

  test.each(pods.map((pod) => [named(pod), pod] as const))(
    '%s is what a restricted namespace takes, and more',
    (_name, pod) => {
      const { spec } = pod;
      expect(spec.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 65532,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(spec).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
      expect([spec.hostNetwork, spec.hostPID, spec.hostIPC]).toEqual([undefined, undefined, undefined]);
      for (const { securityContext } of containersOf(pod)) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
      for (const { name: volume, ...source } of spec.volumes ?? [])
        expect({ volume, allowed: Object.keys(source).every((kind) => VOLUMES.includes(kind)) }).toEqual({
          volume,
          allowed: true,
        });
      const mounted = containersOf(pod).flatMap(({ volumeMounts = [] }) => volumeMounts.map((mount) => mount.name));
      expect(new Set(mounted)).toEqual(new Set((spec.volumes ?? []).map((volume) => volume.name)));
    },
  );

  test.each(pods.map((pod) => [named(pod), pod] as const))(
    '%s has a fixed image, a request, a limit of memory and a heap below it',
    (_name, pod) => {
      for (const { image, resources, env = [] } of containersOf(pod)) {
        expect(image).toMatch(/(:[^/:]+|@sha256:[0-9a-f]{64})$/);
        expect(image).not.toMatch(/:latest$/);
        expect(resources.requests?.['cpu']).toMatch(/^\d+m?$/);
        expect(resources.limits?.['memory']).toBe(resources.requests?.['memory']);
        const heap = Number(
          /--max-old-space-size=(\d+)/.exec(env.find((variable) => variable.name === 'NODE_OPTIONS')?.value ?? '')?.[1],
        );
        expect(heap / mib(resources.limits?.['memory'])).toBeGreaterThan(0.5);
        expect(heap / mib(resources.limits?.['memory'])).toBeLessThan(0.9);
      }
    },
  );

  test('every Deployment has three probes that ask this process alone, and time to drain', () => {
    for (const pod of podsOf(deployments)) {
      const [container] = pod.spec.containers;
      if (container === undefined) throw new Error('no container');
      expect([
        container.startupProbe?.httpGet,
        container.livenessProbe?.httpGet,
        container.readinessProbe?.httpGet,
      ]).toEqual([
        { path: '/livez', port: 'ops' },
        { path: '/livez', port: 'ops' },
        { path: '/readyz', port: 'ops' },
      ]);
      const drainMs = Number(container.env?.find((variable) => variable.name === 'DAKIA_DRAIN_MS')?.value);
      const preStop = container.lifecycle?.preStop?.sleep?.seconds ?? 0;
      expect(pod.spec.terminationGracePeriodSeconds).toBeGreaterThan(preStop + drainMs / 1000);
    }
  });

  test('consumers roll one out before one in; the others one in before one out', () => {
    for (const deployment of deployments) {
      const { strategy } = specOf<{ readonly strategy: { readonly rollingUpdate: unknown } }>(deployment);
      const consumes = CONSUMERS.includes(componentOf(deployment.metadata.labels));
      expect(strategy.rollingUpdate).toEqual(
        consumes ? { maxSurge: 0, maxUnavailable: 1 } : { maxSurge: 1, maxUnavailable: 0 },
      );
    }
  });

  test('what is scaled has no number of replicas of its own, at least two pods, and no more than partitions', () => {
    const scaled = [...ofKind(objects, 'HorizontalPodAutoscaler'), ...ofKind(objects, 'ScaledObject')];
    const targets = scaled.map(
      (object) => specOf<{ readonly scaleTargetRef: { readonly name: string } }>(object).scaleTargetRef.name,
    );
    for (const deployment of deployments) {
      const own = specOf<{ readonly replicas?: number }>(deployment).replicas;
      expect({ name: deployment.metadata.name, own: own !== undefined }).toEqual({
        name: deployment.metadata.name,
        own: !targets.includes(deployment.metadata.name),
      });
    }
    for (const target of targets) expect(deployments.map(({ metadata }) => metadata.name)).toContain(target);
    for (const object of ofKind(objects, 'ScaledObject')) {
      const spec = specOf<{
        readonly minReplicaCount: number;
        readonly maxReplicaCount: number;
        readonly triggers: readonly { readonly metadata: Readonly<Record<string, string>> }[];
      }>(object);
      expect(spec.minReplicaCount).toBeGreaterThanOrEqual(2);
      expect(spec.maxReplicaCount).toBeLessThanOrEqual(12);
      expect(spec.triggers.length).toBeGreaterThan(0);
      for (const { metadata } of spec.triggers)
        for (const value of Object.values(metadata)) expect(typeof value).toBe('string');
    }
  });

  test('a drain of nodes takes one pod of each service at a time, and never waits for one that is broken', () => {
    const budgets = ofKind(objects, 'PodDisruptionBudget');
    expect(budgets.map(({ metadata }) => metadata.name).sort()).toEqual(
      deployments.map(({ metadata }) => metadata.name).sort(),
    );
    for (const budget of budgets)
      expect(budget['spec']).toMatchObject({ maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' });
  });

  test('no secret is rendered or stands in an environment; each is a file of a Secret that the kubelet renews', () => {
    expect(ofKind(objects, 'Secret')).toEqual([]);
    for (const pod of pods)
      for (const container of containersOf(pod))
        for (const { name: variable, value = '', valueFrom } of container.env ?? []) {
          expect({ variable, isSecret: SECRETS.has(variable), valueFrom }).toEqual({
            variable,
            isSecret: false,
            valueFrom: undefined,
          });
          // The rules of notifications hold none.
          if (variable.endsWith('_FILE') && variable !== 'DAKIA_NOTIFICATIONS_FILE')
            expect({ variable, from: secretBehind(pod, container, value) }).toEqual({
              variable,
              from: {
                name: expect.stringMatching(/^dakia-/) as unknown,
                key: expect.any(String) as unknown,
                mode: 0o440,
              },
            });
        }
  });

  test('the way in leads to the webhook port and to nothing else', () => {
    const services = ofKind(objects, 'Service').filter(({ metadata }) => !isOfOps(metadata));
    expect(
      services.map((service) =>
        specOf<{ readonly ports: readonly { readonly targetPort: string }[] }>(service).ports.map(
          ({ targetPort }) => targetPort,
        ),
      ),
    ).toEqual([['webhook']]);
    const text = JSON.stringify(
      [...ofKind(objects, 'Ingress'), ...ofKind(objects, 'HTTPRoute')].map((object) => object['spec']),
    );
    for (const [path] of text.matchAll(/"(?:path|value)":"\/[^"]*"/g)) expect(path).toMatch(/"\/webhooks\/razorpay"$/);
    expect(text).not.toContain('9400');
    expect(text).not.toMatch(/dakia-metrics|dakia-ingest-ops/);
  });

  test('selectors find their own pods only', () => {
    const selectorOf = (object: Manifest): Readonly<Record<string, string>> =>
      object.kind === 'Service'
        ? specOf<{ readonly selector: Readonly<Record<string, string>> }>(object).selector
        : specOf<{ readonly selector: { readonly matchLabels: Readonly<Record<string, string>> } }>(object).selector
            .matchLabels;
    const services = ofKind(objects, 'Service').filter(({ metadata }) => !isOfOps(metadata));
    for (const object of [...deployments, ...services, ...ofKind(objects, 'PodDisruptionBudget')]) {
      const found = pods.filter(({ labels }) =>
        Object.entries(selectorOf(object)).every(([label, value]) => labels[label] === value),
      );
      expect(found.map((pod) => componentOf(pod.labels))).toEqual([componentOf(object.metadata.labels)]);
    }
  });

  test('names are as Kubernetes takes them and stand once; every object says to which release it belongs', () => {
    const names = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    expect(names).toHaveLength(new Set(names).size);
    for (const { kind, metadata } of objects) {
      expect(metadata.name).toMatch(
        kind === 'KafkaTopic' ? /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/ : /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
      );
      expect(metadata.name.length).toBeLessThanOrEqual(63);
      if (metadata.name !== 'dakia-payments-hooks-more')
        expect(metadata.labels).toMatchObject({
          'app.kubernetes.io/instance': 'dakia',
          'app.kubernetes.io/managed-by': 'Helm',
        });
    }
  });

  test('hooks need nothing that the release makes', () => {
    const made = new Set(
      objects.filter((object) => !isHook(object)).map(({ kind, metadata }) => `${kind}/${metadata.name}`),
    );
    for (const { spec } of podsOf(objects.filter(isHook))) {
      expect(spec.serviceAccountName).toBeUndefined();
      for (const { configMap } of (spec.volumes ?? []) as readonly { readonly configMap?: { readonly name: string } }[])
        expect(made).not.toContain(`ConfigMap/${configMap?.name}`);
    }
  });
});

test('NetworkPolicies let every component out to what its settings name, and to nothing else', () => {
  const objects = rendered('production');
  const policies = ofKind(objects, 'NetworkPolicy').map((object) => ({
    name: object.metadata.name,
    ...specOf<{
      readonly podSelector: {
        readonly matchLabels?: Readonly<Record<string, string>>;
        readonly matchExpressions?: readonly { readonly values: readonly string[] }[];
      };
      readonly policyTypes: readonly string[];
    }>(object),
  }));
  const [deny] = policies.filter(({ name }) => name.endsWith('default-deny'));
  expect(deny).toMatchObject({ policyTypes: ['Ingress', 'Egress'] });
  const allowed = (server: string): readonly string[] =>
    policies.find(({ name }) => name.endsWith(`to-${server}`))?.podSelector.matchExpressions?.[0]?.values ?? [];
  for (const pod of podsOf(objects).filter(({ labels }) => componentOf(labels) !== 'test')) {
    const [component, variables] = [
      componentOf(pod.labels),
      new Set(containersOf(pod).flatMap(({ env = [] }) => env.map((each) => each.name))),
    ];
    // The schemas job names brokers for the prefix of its topics only, and the topics job no registry.
    if (component !== 'schemas')
      expect({ component, kafka: allowed('kafka').includes(component) }).toEqual({
        component,
        kafka: variables.has('KAFKA_BROKERS'),
      });
    if (component !== 'topics')
      expect({ component, registry: allowed('schema-registry').includes(component) }).toEqual({
        component,
        registry: variables.has('SCHEMA_REGISTRY_URL'),
      });
    expect({ component, postgres: allowed('postgres').includes(component) }).toEqual({
      component,
      postgres: variables.has('DATABASE_URL_FILE'),
    });
    expect({ component, ingestOps: allowed('ingest-ops').includes(component) }).toEqual({
      component,
      ingestOps: variables.has('DAKIA_INGEST_OPS_URLS'),
    });
    expect({ component, redis: allowed('redis').includes(component) }).toEqual({
      component,
      redis: variables.has('REDIS_URL_FILE'),
    });
  }
});

const databaseOf = (pod: Pod, container: Container): unknown =>
  secretBehind(pod, container, container.env?.find(({ name }) => name === 'DATABASE_URL_FILE')?.value ?? '');

test('a secret of its own, where a service has one', () => {
  const urlOf = (component: string): unknown =>
    podsOf(rendered('everything'))
      .filter(({ labels }) => componentOf(labels) === component)
      .flatMap((pod) => containersOf(pod).map((container) => databaseOf(pod, container)));
  expect(urlOf('payments')).toEqual([{ name: 'dakia-postgres-payments', key: 'url', mode: 0o440 }]);
  expect(urlOf('disputes')).toEqual([{ name: 'dakia-postgres', key: 'url', mode: 0o440 }]);
  expect(urlOf('migrations')).toEqual([{ name: 'dakia-postgres-owner', key: 'dsn', mode: 0o440 }]);
});

test('ordinary Jobs, for those who do not use hooks, have another name when they do something else', () => {
  const jobs = (set: Readonly<Record<string, unknown>>): readonly string[] =>
    ofKind(rendered('external-secrets', set), 'Job').map(({ metadata }) => metadata.name);
  expect(ofKind(rendered('external-secrets'), 'Job').filter(isHook)).toEqual([]);
  expect(jobs({})).toEqual(jobs({ 'services.ingest.replicas': 3 }));
  expect(jobs({ 'image.tag': '9.9.9' })).not.toEqual(jobs({}));
  expect(ofKind(rendered('external-secrets', { 'jobs.mode': 'none' }), 'Job')).toEqual([]);
});

test('KEDA asks Kafka with the login of the pods, out of their Secrets, unless it has one of its own', () => {
  const loginsOf = (objects: readonly Manifest[]): readonly unknown[] =>
    ofKind(objects, 'ScaledObject').flatMap((object) =>
      specOf<{ readonly triggers: readonly { readonly authenticationRef?: unknown }[] }>(object).triggers.map(
        ({ authenticationRef }) => authenticationRef,
      ),
    );
  const everything = rendered('everything');
  const [login, ...others] = ofKind(everything, 'TriggerAuthentication');
  expect(others).toEqual([]);
  expect(login?.['spec']).toEqual({
    secretTargetRef: [
      { parameter: 'username', name: 'dakia-kafka', key: 'user' },
      { parameter: 'password', name: 'dakia-kafka', key: 'pass' },
      { parameter: 'ca', name: 'dakia-kafka-tls', key: 'ca.crt' },
    ],
  });
  expect(new Set(loginsOf(everything))).toEqual(new Set([{ name: login?.metadata.name }]));

  expect(ofKind(rendered('keda'), 'TriggerAuthentication')).toEqual([]);
  expect(new Set(loginsOf(rendered('keda')).map((one) => JSON.stringify(one)))).toEqual(
    new Set(['{"name":"dakia-kafka"}']),
  );
  const open = rendered('keda', {
    'keda.authenticationRef': '',
    'kafka.sasl.mechanism': 'none',
    'kafka.sasl.existingSecret': '',
  });
  expect(ofKind(open, 'TriggerAuthentication')).toEqual([]);
  expect(loginsOf(open).filter((one) => one !== undefined)).toEqual([]);
  // Nothing is scaled by lag.
  expect(ofKind(rendered('production'), 'TriggerAuthentication')).toEqual([]);
});

test('a command is a Job of its own, as the owner, let out to every server; without one there is none', () => {
  const command = ['quarantine', 'replay', '--all'];
  const [pod, ...others] = podsOf(rendered('production', { command })).filter(
    ({ labels }) => componentOf(labels) === 'command',
  );
  if (pod === undefined) throw new Error('there is no Job for the command');
  expect(others).toEqual([]);
  expect(pod.spec).toMatchObject({
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  });
  const [container] = containersOf(pod);
  expect(container).toMatchObject({
    args: ['cli', '--data-dir', '/tmp/dakia', ...command],
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  });
  const variables = container?.env ?? [];
  expect(container === undefined ? undefined : databaseOf(pod, container)).toMatchObject({
    name: 'dakia-postgres-owner',
  });
  expect(variables.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['KAFKA_BROKERS', 'REDIS_URL_FILE', 'DAKIA_SEARCH_KEY_FILE', 'DAKIA_INGEST_OPS_URLS']),
  );
  for (const server of ['kafka', 'postgres', 'redis', 'schema-registry', 'ingest-ops'])
    expect(
      specOf<{
        readonly podSelector: { readonly matchExpressions: readonly { readonly values: readonly string[] }[] };
      }>(
        ofKind(rendered('production'), 'NetworkPolicy').find(
          ({ metadata }) => metadata.name === `dakia-to-${server}`,
        ) ?? pod.object,
      ).podSelector.matchExpressions[0]?.values,
    ).toContain('command');
  expect(podsOf(rendered('production')).filter(({ labels }) => componentOf(labels) === 'command')).toEqual([]);
});
