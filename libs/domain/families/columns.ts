import { entityBeside } from '#catalogue';
import type { EventName } from '#catalogue';
import { column, foldInto, latest, notAhead, personal, readInteger, readText, UNKNOWN } from '#rules';
import type { Reading, Snapshot } from '#rules';

/** Columns and readings that several families have, word for word. */
export const currency = column('Currency of its amounts, ISO 4217.', latest.text('currency'));
export const notes = personal('Pairs that the merchant attached.', latest.json('notes'));

/**
 * The own time of an event that is one of `events`: of the first, or of the newest. A snapshot that stands beside
 * another event says nothing of when its status began, and one that denies the event's name (`holds`) has not come to
 * it: a refund that `refund.processed` shows as failed was never processed.
 */
export const timeOf = (
  which: 'first' | 'newest',
  holds: (snapshot: Snapshot) => boolean,
  ...events: readonly EventName[]
): Reading => ({
  type: 'timestamptz',
  rule: which === 'first' ? 'lowest' : 'highest',
  read: (snapshot) =>
    snapshot.isSighting !== true && events.some((name) => name === snapshot.event) && holds(snapshot)
      ? notAhead(snapshot.occurredAt ?? undefined, snapshot.receivedAt)
      : undefined,
});

/** Whether a snapshot shows one of `wanted`, or no status at all: then its event's name is all there is. */
export const showing =
  <Status extends string>(statuses: readonly Status[], ...wanted: readonly Status[]) =>
  ({ subject: { status } }: Pick<Snapshot, 'subject'>): boolean => {
    const known = foldInto(statuses, status);
    return known === undefined ? status === undefined || status === null || status === '' : wanted.includes(known);
  };

/** The amount paid so far, minor units; of an invoice or a link it decides between snapshots of equal status. */
export const amountPaid = ({ subject }: Snapshot): number => readInteger(subject['amount_paid']) ?? UNKNOWN;

/** The payment that an event is about, which comes beside its invoice or link. */
export const paymentIdBeside: Reading = {
  type: 'text',
  rule: 'latest',
  read: (snapshot) => readText(entityBeside(snapshot, 'payment')?.['id']),
};
