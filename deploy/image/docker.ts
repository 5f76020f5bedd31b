import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Runs the container engine's client and answers what it printed; throws with its own words when it fails. */
export const docker = (args: readonly string[]): string => {
  try {
    return execFileSync('docker', [...args], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  } catch (error) {
    const { code, stderr } = error as { readonly code?: string; readonly stderr?: string };
    if (code === 'ENOENT')
      throw new Error(
        'There is no docker here: install it (Debian: apt-get install docker.io) and start its engine (dockerd).',
        { cause: error },
      );
    throw new Error(`docker ${args.slice(0, 2).join(' ')} failed: ${(stderr ?? '').trim()}`, { cause: error });
  }
};

/** From this version of the client, BuildKit is the work of a component, buildx, which may not be installed. */
const BUILDX_SINCE = 23;

const buildsAlone = (client: string): boolean => {
  const [, major] = /version (\d+)\./.exec(spawnSync(client, ['--version'], { encoding: 'utf8' }).stdout) ?? [];
  return Number(major) < BUILDX_SINCE;
};
const hasBuildx = (client: string): boolean =>
  spawnSync(client, ['buildx', 'version'], { stdio: 'ignore' }).status === 0;

/**
 * The path of the first client in PATH that can build with BuildKit:
 * where several are installed, not each has its buildx.
 */
export const buildClient = (path = process.env['PATH'] ?? ''): string => {
  const clients = path
    .split(delimiter)
    .map((folder) => join(folder, 'docker'))
    .filter((file) => existsSync(file));
  const found = clients.find((client) => buildsAlone(client) || hasBuildx(client));
  if (found !== undefined) return found;
  throw new Error(
    clients.length === 0
      ? 'There is no docker here: install it (Debian: apt-get install docker.io) and start its engine (dockerd).'
      : `${clients.join(', ')} cannot build with BuildKit: install the buildx component of that client.`,
  );
};
