import type { Family } from './families.ts';

/**
 * Snapshots that stand beside another event's subject and are modelled: the key below `payload`, and the family whose
 * entity it shows. Which events carry which: the column `beside` of events.ts.
 */
export const sightedParts = { payment: 'payments', order: 'orders' } as const satisfies Record<string, Family>;
export type SightedPart = keyof typeof sightedParts;

export const isSightedPart = (name: string): name is SightedPart => Object.hasOwn(sightedParts, name);
export const sightedFamily = (part: SightedPart): Family => sightedParts[part];
