import { join } from 'node:path';
import { debianPackage, onPath } from './debian-package.ts';
import { silent } from './progress.ts';
import type { Report } from './progress.ts';

export interface PrometheusFiles {
  readonly prometheus: string;
  readonly promtool: string;
  /** More arguments of `prometheus`, where it is not installed but unpacked. */
  readonly args: readonly string[];
}

const PACKAGE = {
  name: 'prometheus',
  title: 'Prometheus',
  how:
    'Install Prometheus so that prometheus and promtool are on the PATH (Debian and Ubuntu: apt install ' +
    'prometheus, macOS: brew install prometheus), and run the command again.',
};

/**
 * Prometheus and promtool: those on the PATH, else Debian's, fetched
 * once. Throws a LaunchFailure where neither can be had.
 */
export const prometheusFiles = (report: Report = silent): PrometheusFiles => {
  const [prometheus, promtool] = [onPath('prometheus'), onPath('promtool')];
  if (prometheus !== undefined && promtool !== undefined) return { prometheus, promtool, args: [] };
  const folder = debianPackage(PACKAGE, () =>
    report('prometheus', "not on the PATH: Debian's package is fetched, once (20 MB)"),
  );
  return {
    prometheus: join(folder, 'usr', 'bin', 'prometheus'),
    promtool: join(folder, 'usr', 'bin', 'promtool'),
    args: ['--web.local-assets', join(folder, 'usr', 'share', 'prometheus', 'web')],
  };
};
