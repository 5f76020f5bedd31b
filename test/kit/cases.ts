import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonRecord } from '#rules';

/**
 * Inputs that a running system got wrong, beside the repository where it is developed; other clones do not have them.
 */
const FOLDER = join(import.meta.dirname, '../../../shared/cases');

export interface CaseDelivery {
  readonly eventId: string;
  readonly body: JsonRecord;
}

/** The deliveries of the case whose file name begins with `name`, in order; none when the folder is absent. */
export const deliveriesOfCase = (name: string): readonly CaseDelivery[] => {
  const file = existsSync(FOLDER) ? readdirSync(FOLDER).find((one) => one.startsWith(`${name}-`)) : undefined;
  if (file === undefined) return [];
  return (JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as { deliveries: readonly CaseDelivery[] }).deliveries;
};
