// Checks objects of operators' kinds (KEDA, Prometheus, Gateway API, External Secrets) against the schemas in @kubernetes-models, which
// are made from the operators' CRDs. A program of its own, because those packages are ES modules. Objects in on stdin, issues out.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const [modules] = process.argv.slice(2);
const PACKAGES = {
  'keda.sh': 'keda',
  'monitoring.coreos.com': 'prometheus-operator',
  'gateway.networking.k8s.io': 'gateway-api',
  'external-secrets.io': 'external-secrets',
};

/**
 * The schemas do not refuse a field that they do not know, but they never look at it either: a proxy writes down what was looked at,
 * and the rest is unknown.
 */
const watched = (value, path, seen) => {
  if (typeof value !== 'object' || value === null) return value;
  const children = new Map();
  return new Proxy(value, {
    get: (target, key) => {
      const child = target[key];
      if (typeof key !== 'string' || !Object.hasOwn(target, key)) return child;
      seen.add(`${path}/${key}`);
      if (!children.has(key)) children.set(key, watched(child, `${path}/${key}`, seen));
      return children.get(key);
    },
  });
};

const unseen = (value, path, seen) => {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const at = `${path}/${key}`;
    return seen.has(at) ? unseen(child, at, seen) : [`${at} is not a field of the kind`];
  });
};

const check = async ({ apiVersion, kind, ...rest }) => {
  const [group, version] = apiVersion.split('/');
  const name = PACKAGES[group];
  if (name === undefined) return [`there is no schema for ${apiVersion}`];
  const file = readFileSync(join(modules, '@kubernetes-models', name, group, version, `${kind}.js`), 'utf8');
  const [, schema] = /import\{validate\}from"(?:\.\.\/)+(_schemas\/[^"]+)"/.exec(file) ?? [];
  const { validate } = await import(pathToFileURL(join(modules, '@kubernetes-models', name, schema)).href);
  const object = { apiVersion, kind, ...rest };
  const seen = new Set();
  const valid = validate(watched(object, '', seen));
  // Labels and annotations hold any name; metadata is checked with the kinds of Kubernetes itself.
  const { metadata, ...fields } = object;
  return valid ? unseen(fields, '', seen) : validate.errors.map(({ instancePath, message, params }) => `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`);
};

const objects = JSON.parse(readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(await Promise.all(objects.map(check))));
