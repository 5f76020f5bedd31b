import { execFileSync } from 'node:child_process';

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
