/**
 * Checks objects of operators' kinds (KEDA, Prometheus, Gateway API, External Secrets) against the schemas in
 * @kubernetes-models, which are made from the operators' CRDs. A program of its own, because those packages are ES
 * modules. Objects come in on stdin, for each the list of what is wrong with it goes out on stdout.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Issue {
  readonly instancePath: string;
  readonly message?: string;
  readonly params: unknown;
}
interface Validate {
  (value: unknown): boolean;
  readonly errors?: readonly Issue[];
}
interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata?: unknown;
}

const PACKAGES: Readonly<Record<string, string>> = {
  'keda.sh': 'keda',
  'monitoring.coreos.com': 'prometheus-operator',
  'gateway.networking.k8s.io': 'gateway-api',
  'external-secrets.io': 'external-secrets',
};

/**
 * The schemas do not refuse a field that they do not know, but they never look
 * at it either: a proxy writes down what was looked at, and the rest is unknown.
 */
const watched = (value: unknown, path: string, seen: Set<string>): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  const children = new Map<string, unknown>();
  return new Proxy(value, {
    get: (target, key) => {
      const child: unknown = Reflect.get(target, key);
      if (typeof key !== 'string' || !Object.hasOwn(target, key)) return child;
      seen.add(`${path}/${key}`);
      if (!children.has(key)) children.set(key, watched(child, `${path}/${key}`, seen));
      return children.get(key);
    },
  });
};

const unseen = (value: unknown, path: string, seen: ReadonlySet<string>): readonly string[] => {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const at = `${path}/${key}`;
    return seen.has(at) ? unseen(child, at, seen) : [`${at} is not a field of the kind`];
  });
};

const check = async (modules: string, object: Kind): Promise<readonly string[]> => {
  const [group = '', version = ''] = object.apiVersion.split('/');
  const name = PACKAGES[group];
  if (name === undefined) return [`there is no schema for ${object.apiVersion}`];
  const folder = join(modules, '@kubernetes-models', name);
  const file = readFileSync(join(folder, group, version, `${object.kind}.js`), 'utf8');
  const [, schema] = /import\{validate\}from"(?:\.\.\/)+(_schemas\/[^"]+)"/.exec(file) ?? [];
  if (schema === undefined) return [`the package ${name} no longer says where the schema of ${object.kind} is`];
  const { validate } = (await import(pathToFileURL(join(folder, schema)).href)) as { readonly validate: Validate };
  const seen = new Set<string>();
  if (!validate(watched(object, '', seen)))
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`,
    );
  // Labels and annotations hold any name; the OpenAPI of Kubernetes checks metadata.
  const { metadata: _, ...fields } = object;
  return unseen(fields, '', seen);
};

const [modules = ''] = process.argv.slice(2);
const objects = JSON.parse(readFileSync(0, 'utf8')) as readonly Kind[];
process.stdout.write(JSON.stringify(await Promise.all(objects.map((object) => check(modules, object)))));
