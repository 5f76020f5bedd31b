import { entityBeside } from '#catalogue';
import { column, latest, personal, readInteger, readText, UNKNOWN } from '#rules';
import type { Reading, Snapshot } from '#rules';

/** Columns and readings that several families have, word for word. */
export const currency = column('Currency of its amounts, ISO 4217.', latest.text('currency'));
export const notes = personal('Pairs that the merchant attached.', latest.json('notes'));

/** The amount paid so far, minor units; of an invoice or a link it decides between snapshots of equal status. */
export const amountPaid = ({ subject }: Snapshot): number => readInteger(subject['amount_paid']) ?? UNKNOWN;

/** The payment that an event is about, which comes beside its invoice or link. */
export const paymentIdBeside: Reading = {
  type: 'text',
  rule: 'latest',
  read: (snapshot) => readText(entityBeside(snapshot, 'payment')?.['id']),
};
