import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Packages that may run a program of their own when they are installed, with what it does. An update that brings
 * another one is looked at before it gets in here.
 */
const ALLOWED: Readonly<Record<string, string>> = {
  '@parcel/watcher': 'builds its addon where no prebuilt one fits; development only',
  '@swc/core': 'looks for its platform package; development only',
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
