import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/**
 * Packages that may run a program of their own when they are installed, with what it does. An update that brings
 * another one is looked at before it gets in here.
 */
const ALLOWED: Readonly<Record<string, string>> = {
  '@parcel/watcher': 'builds its addon where no prebuilt one fits; development only',
  'msgpackr-extract': 'builds its addon where no prebuilt one fits',
  protobufjs: 'prints a warning about versions',
  'unrs-resolver': 'looks for its platform package; development only',
};

interface Locked {
  readonly hasInstallScript?: boolean;
  readonly integrity?: string;
}
const { packages } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package-lock.json'), 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>;
};
const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

test('nothing runs a program at npm install but what is named here', () => {
  const running = Object.entries(packages).filter(([, { hasInstallScript = false }]) => hasInstallScript);
  expect([...new Set(running.map(([path]) => nameOf(path)))].toSorted()).toEqual(Object.keys(ALLOWED).toSorted());
});

test('every package is compared with the hash that the lock file has', () => {
  const unchecked = Object.entries(packages).filter(([path, { integrity }]) => path !== '' && integrity === undefined);
  expect(unchecked.map(([path]) => path)).toEqual([]);
});

test('where a registry has advisories, a job asks for them every day, without installing anything', () => {
  const file = join(import.meta.dirname, '..', '.github', 'workflows', 'advisories.yaml');
  const { on, jobs } = parse(readFileSync(file, 'utf8')) as {
    readonly on: { readonly schedule: readonly { readonly cron: string }[] };
    readonly jobs: { readonly audit: { readonly steps: readonly { readonly run?: string }[] } };
  };
  expect(on.schedule).toHaveLength(1);
  expect(jobs.audit.steps.flatMap(({ run }) => run ?? [])).toEqual([
    'npm audit --package-lock-only --omit=dev --audit-level=low',
    'npm audit --package-lock-only --audit-level=high',
  ]);
});
