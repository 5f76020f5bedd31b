import { join } from 'node:path';
import { debianPackage, onPath } from '#local';

/** amtool, which checks and asks the settings of Alertmanager: the one on the PATH, else Debian's, fetched once. */
export const amtoolPath = (): string =>
  onPath('amtool') ??
  join(
    debianPackage({
      name: 'prometheus-alertmanager',
      title: 'Alertmanager',
      how: 'Install Alertmanager so that amtool is on the PATH (Debian: apt install prometheus-alertmanager).',
    }),
    'usr',
    'bin',
    'amtool',
  );
