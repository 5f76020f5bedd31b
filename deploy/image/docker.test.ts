import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { buildClient } from './docker.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'dakia-docker-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** A folder of PATH with a client of that version, which has buildx or not. */
const clientOf = (version: string, buildx: boolean): string => {
  const place = join(folder, `${version}-${buildx}`);
  mkdirSync(place);
  const client = join(place, 'docker');
  writeFileSync(
    client,
    `#!/bin/sh\ncase $1 in --version) echo "Docker version ${version}, build 1";; *) exit ${buildx ? 0 : 1};; esac\n`,
  );
  chmodSync(client, 0o755);
  return place;
};

test('the first client that can build is taken: an old one by itself, a new one with buildx', () => {
  const [without, old, withIt] = [clientOf('28.2.2', false), clientOf('20.10.24', false), clientOf('28.2.2', true)];
  expect(buildClient([without, old, withIt].join(delimiter))).toBe(join(old, 'docker'));
  expect(buildClient([without, withIt, old].join(delimiter))).toBe(join(withIt, 'docker'));
});

test('a client without buildx is named, and what to install', () => {
  const without = clientOf('28.2.2', false);
  expect(() => buildClient(without)).toThrow(
    `${join(without, 'docker')} cannot build with BuildKit: install the buildx component of that client.`,
  );
  expect(() => buildClient(folder)).toThrow('There is no docker here');
});
