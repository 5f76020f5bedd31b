import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { chartTools } from './tools.ts';
import type { Manifest } from './render.ts';

/**
 * Strimzi and Envoy Gateway have no package with their schemas: the
 * fields that the chart may write, from their documentation.
 */
type Shape = 'text' | 'number' | 'any' | { readonly [field: string]: Shape } | readonly [Shape];
const WRITTEN_BY_HAND: Readonly<Record<string, Shape>> = {
  'kafka.strimzi.io/v1 KafkaTopic': { topicName: 'text', partitions: 'number', replicas: 'number', config: 'any' },
  'kafka.strimzi.io/v1 KafkaUser': {
    authentication: { type: 'text' },
    authorization: {
      type: 'text',
      acls: [{ resource: { type: 'text', name: 'text', patternType: 'text' }, operations: ['text'] }],
    },
  },
  'gateway.envoyproxy.io/v1alpha1 SecurityPolicy': {
    targetRefs: [{ group: 'text', kind: 'text', name: 'text' }],
    authorization: {
      defaultAction: 'text',
      rules: [{ name: 'text', action: 'text', principal: { clientCIDRs: ['text'] } }],
    },
  },
};

const compare = (value: unknown, shape: Shape, path: string): readonly string[] => {
  if (shape === 'any') return [];
  if (shape === 'text') return typeof value === 'string' ? [] : [`${path} must be text`];
  if (shape === 'number') return typeof value === 'number' ? [] : [`${path} must be a number`];
  if (Array.isArray(shape))
    return Array.isArray(value)
      ? value.flatMap((item, index) => compare(item, shape[0] as Shape, `${path}/${index}`))
      : [`${path} must be a list`];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path} must be an object`];
  const fields = shape as Readonly<Record<string, Shape>>;
  return [
    ...Object.keys(fields)
      .filter((name) => !Object.hasOwn(value, name))
      .map((name) => `${path}/${name} is missing`),
    ...Object.entries(value).flatMap(([name, item]) =>
      fields[name] === undefined
        ? [`${path}/${name} is not a field of the kind`]
        : compare(item, fields[name], `${path}/${name}`),
    ),
  ];
};

/** What is wrong with each object, in the order given. */
export const checkOperatorKinds = (objects: readonly Manifest[]): readonly (readonly string[])[] => {
  const byHand = (object: Manifest): Shape | undefined => WRITTEN_BY_HAND[`${object.apiVersion} ${object.kind}`];
  const others = objects.filter((object) => byHand(object) === undefined);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'operator-kinds.ts'), chartTools().modules],
    { input: JSON.stringify(others), encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`the schemas of the operators' kinds cannot be used: ${stderr}`);
  const issues = JSON.parse(stdout) as (readonly string[])[];
  return objects.map((object) => {
    const shape = byHand(object);
    return shape === undefined ? (issues[others.indexOf(object)] ?? []) : compare(object['spec'], shape, '/spec');
  });
};
