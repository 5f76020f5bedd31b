import { entityId, readText, recordAt } from '#rules';
import type { EntityId, JsonRecord } from '#rules';
import { eventSpec } from './events.ts';
import type { EventName } from './events.ts';
import type { Family } from './families.ts';
import { entityIn, usableId } from './route.ts';
import { sightedFamily } from './sighted-parts.ts';
import type { SightedPart } from './sighted-parts.ts';

/** One snapshot beside the subject: what it shows, of which entity. */
export interface Sighting {
  readonly part: SightedPart;
  readonly family: Family;
  readonly key: EntityId;
  readonly subject: JsonRecord;
}

/**
 * Order ids are bare in the published bodies of payment links and
 * have their prefix elsewhere; one order must have one key.
 */
const BARE_ID = /^[0-9A-Za-z]{14}$/;
const prefixed = (part: SightedPart, id: unknown): unknown => {
  const text = part === 'order' ? readText(id) : undefined;
  return text !== undefined && BARE_ID.test(text) ? `order_${text}` : id;
};

/**
 * The snapshots that stand beside the event's subject. One that is
 * missing, or has no usable id, is left out: the event itself counts.
 */
export const sightingsIn = (body: JsonRecord, event: EventName): readonly Sighting[] =>
  (eventSpec(event).beside ?? []).flatMap((part) => {
    const subject = entityIn(recordAt(body, 'payload'), part);
    const family = sightedFamily(part);
    const key = usableId({ subject: part }, prefixed(part, subject?.['id']));
    return subject === undefined || key === undefined ? [] : [{ part, family, key: entityId(key), subject }];
  });

/** One of them, by its key below `payload`; undefined when the event has none such. */
export const sightingIn = (body: JsonRecord, event: EventName, part: string): Sighting | undefined =>
  sightingsIn(body, event).find((sighting) => sighting.part === part);
