import { readZip } from './zip.ts';
import { chartTools } from './tools.ts';
import type { Manifest } from './render.ts';

/**
 * Kubernetes releases whose OpenAPI the chart is held against: the
 * oldest that the chart takes, what is widely run, the newest known.
 */
export const KUBERNETES_VERSIONS = ['1.30', '1.34', '1.37'] as const;
export type KubernetesVersion = (typeof KUBERNETES_VERSIONS)[number];

interface AjvError {
  readonly instancePath: string;
  readonly message?: string;
  readonly params: Readonly<Record<string, unknown>>;
}
interface Validate {
  (value: unknown): boolean;
  readonly errors?: readonly AjvError[] | null;
}
interface Ajv {
  addSchema(schema: unknown, key: string): Ajv;
  compile(schema: unknown): Validate;
}
type AjvClass = new (options: Readonly<Record<string, unknown>>) => Ajv;

/** What is wrong with an object, as path and reason; empty when it is right. */
export type Validator = (object: Manifest) => readonly string[];

const FOLDER = 'kubernetes_validate/kubernetes-json-schema';
const DEFINITIONS = '/api/_definitions.json';

/** Kinds of Kubernetes itself: their group has no dot, or ends in k8s.io and is not the Gateway API's. */
export const isBuiltIn = ({ apiVersion }: Manifest): boolean => {
  const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
  return !group.includes('.') || (group.endsWith('.k8s.io') && group !== 'gateway.networking.k8s.io');
};

const schemaName = ({ apiVersion, kind }: Manifest): string => {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : [undefined, apiVersion];
  return [kind.toLowerCase(), ...(group === undefined ? [] : [group.split('.')[0]]), version].join('-');
};

/** Strict: a field that the OpenAPI does not have is an error, as is a missing one or one of another type. */
export const kubernetesValidator = (version: KubernetesVersion): Validator => {
  const { schemas, require } = chartTools();
  const files = readZip(schemas);
  const read = (name: string): unknown => {
    const file = files.get(`${FOLDER}/v${version}.0-local-strict/${name}.json`);
    return file === undefined ? undefined : JSON.parse(file().toString('utf8'));
  };
  const { default: AjvOf } = require('ajv/dist/2020.js') as { readonly default: AjvClass };
  const ajv = new AjvOf({ strict: false, allErrors: true, validateFormats: false }).addSchema(
    read('_definitions'),
    DEFINITIONS,
  );
  const compiled = new Map<string, Validate | undefined>();
  return (object) => {
    const name = schemaName(object);
    if (!compiled.has(name)) {
      const schema = read(name);
      compiled.set(name, schema === undefined ? undefined : ajv.compile(schema));
    }
    const validate = compiled.get(name);
    if (validate === undefined) return [`Kubernetes ${version} has no ${object.kind} of ${object.apiVersion}`];
    if (validate(object)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`,
    );
  };
};
