import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accountIdOf, contentOf, occurredAtOf, route, subjectOf } from '#catalogue';
import { eventId, recordAt } from '#rules';
import type { Instant, JsonRecord, Snapshot } from '#rules';

/**
 * Sample bodies of Razorpay's own documentation, beside the
 * repository where it is developed; other clones do not have them.
 */
const FOLDER = join(import.meta.dirname, '../../../shared/payloads');

export interface PublishedBody {
  /** `<event>--<source>.json` */
  readonly file: string;
  readonly event: string;
  readonly body: JsonRecord;
}

/** Every published sample, or those of some events; none when the folder is absent. */
export const publishedBodies = (wanted: (event: string) => boolean = () => true): readonly PublishedBody[] => {
  if (!existsSync(FOLDER)) return [];
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));
  return files
    .map((file) => ({ file, event: file.slice(0, file.indexOf('--')) }))
    .filter(({ event }) => wanted(event))
    .map((named) => ({ ...named, body: JSON.parse(readFileSync(join(FOLDER, named.file), 'utf8')) as JsonRecord }));
};

/** A body as the rules see it, by the way that a consumer reads it. Throws for a body that would be quarantined. */
export const snapshotOf = (given: JsonRecord, id: string, receivedAt?: Instant): Snapshot => {
  const routed = route(given);
  const body = contentOf(given) as JsonRecord;
  if (routed.kind === 'quarantined') throw new Error(`no snapshot of a body that is quarantined as ${routed.reason}`);
  return {
    event: routed.event,
    eventId: eventId(id),
    key: routed.key,
    accountId: accountIdOf(body),
    occurredAt: occurredAtOf(body),
    ...(receivedAt !== undefined && { receivedAt }),
    subject: subjectOf(body, routed.event) ?? {},
    payload: recordAt(body, 'payload') ?? {},
  };
};
