import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '#kit';
import { componentOf } from './kit/pods.ts';
import { rendered } from './kit/render.ts';

interface Deployment {
  readonly replicas: number;
  readonly template: {
    readonly spec: {
      readonly containers: readonly [{ readonly env: readonly { readonly name: string; readonly value?: string }[] }];
    };
  };
}

/** Beside the pool of events: a consumer has sweeper, publisher and health; others reporter or listener, and health. */
const MORE_OF_A_CONSUMER = 3;
const MORE_OF_OTHERS = 2;

test('docs/capacity.md counts the connections that values-production.yaml asks of Postgres', () => {
  const counts = rendered('values-production').flatMap((object) => {
    if (object.kind !== 'Deployment') return [];
    const { replicas, template } = object['spec'] as Deployment;
    const value = (name: string): number | undefined => {
      const found = template.spec.containers[0].env.find((variable) => variable.name === name)?.value;
      return found === undefined ? undefined : Number(found);
    };
    const pool = value('DAKIA_DATABASE_POOL_SIZE');
    if (pool === undefined) return [];
    const retries = value('DAKIA_RETRY_CONCURRENCY');
    const ofPod = retries === undefined ? pool + MORE_OF_OTHERS : pool + retries + MORE_OF_A_CONSUMER;
    return [{ name: componentOf(object.metadata.labels), connections: replicas * ofPod }];
  });
  expect(counts.map(({ name }) => name)).toContain('kept');
  const total = counts.reduce((sum, { connections }) => sum + connections, 0);
  const text = readFileSync(join(ROOT, 'docs', 'capacity.md'), 'utf8');
  const [, said, most] = /together (\d+), and jobs \| `max_connections` (\d+)/.exec(text) ?? [];
  expect(Number(said)).toBe(total);
  expect(Number(most)).toBeGreaterThan(total);
});
