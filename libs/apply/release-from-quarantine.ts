import { familySpec } from '#catalogue';
import { LostRace, statement, writeAudit } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';
import { joinQueue, lockLedgerOf, moveCounts } from './parked-queue.ts';
import type { KeyRef } from './parked-queue.ts';

/** An event of the quarantine that is understood now: whose it is, and where its row stands. */
export interface Understood extends KeyRef {
  readonly eventId: string;
  readonly event: string;
  /** The key below `payload` of a sighting's snapshot; null for an event. */
  readonly sighting: string | null;
  /** Of its row in webhook_events, as text to the microsecond. */
  readonly created: string;
  /** Where it came from: it stays counted there. */
  readonly topic: string;
  readonly partition: number;
}

const RELEASE = statement(
  'quarantine_release',
  `UPDATE webhook_events SET family = $3, entity_key = $4, event_type = $5, sighting = $6, verdict = 'parked', reason = $7
    WHERE razorpay_event_id = $1 AND created_at = $2::timestamptz AND verdict = 'quarantined' RETURNING 1`,
);

/**
 * Puts a quarantined event into its entity's queue, to be applied as
 * a parked event is. `by`: who does it and why, for the audit.
 */
export const releaseFromQuarantine = async (
  tx: Transaction,
  { eventId, event, sighting, family, key, created, topic, partition }: Understood,
  by: { readonly actor: string; readonly reason: string },
): Promise<void> => {
  await lockLedgerOf(tx, { topic, partition });
  const updated = await tx.query(RELEASE, [
    eventId,
    created,
    family,
    key,
    event,
    sighting,
    `taken from the quarantine by ${by.actor}: ${by.reason}`,
  ]);
  if (updated.length !== 1) throw new LostRace(`${eventId} left the quarantine meanwhile`);
  await moveCounts(tx, { topic, partition }, 'quarantined', ['parked']);
  await joinQueue(tx, { family, key }, familySpec(family).service, eventId);
  await writeAudit(tx, { ...by, action: 'quarantine.replay', family, key, eventId, event, verdict: 'parked' });
};
