import { join } from 'node:path';
import { debianPackage, onPath } from '#local';

export interface AlertmanagerFiles {
  readonly alertmanager: string;
  readonly amtool: string;
}

const PACKAGE = {
  name: 'prometheus-alertmanager',
  title: 'Alertmanager',
  how:
    'Install Alertmanager so that prometheus-alertmanager and amtool are on the PATH (Debian: apt install ' +
    'prometheus-alertmanager).',
};

/** Alertmanager and amtool: those on the PATH, else Debian's, fetched once. */
export const alertmanagerFiles = (): AlertmanagerFiles => {
  const [alertmanager, amtool] = [onPath('prometheus-alertmanager') ?? onPath('alertmanager'), onPath('amtool')];
  if (alertmanager !== undefined && amtool !== undefined) return { alertmanager, amtool };
  const bin = join(debianPackage(PACKAGE), 'usr', 'bin');
  return { alertmanager: join(bin, 'prometheus-alertmanager'), amtool: join(bin, 'amtool') };
};
