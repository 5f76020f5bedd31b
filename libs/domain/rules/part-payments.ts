import type { EntityState, Fact } from './lifecycle.ts';

type PayableInParts = 'partially_paid' | 'paid';

const amountPaid = (state: EntityState | undefined): number => Number(state?.values['amount_paid_minor'] ?? 0);

/**
 * The rule of facts for what a customer may pay in parts (payment links, invoices): one per status, and one per partial
 * payment, told apart by the amount paid so far in minor units. That amount only grows, so no fact is told twice. Money
 * that comes to light after the end (expired or cancelled) is told as well; once all is paid, `paid` says it. `kindOf`
 * answers null for a status that is no news. Reads the `highest` field `amount_paid_minor`. Where no snapshot has an
 * amount, the first partial payment is told with ''.
 */
export const onStatusChangeOrPartPayment =
  <Status extends string>(kindOf: (status: Status | PayableInParts) => string | null) =>
  (before: EntityState<Status> | undefined, after: EntityState<Status>): readonly Fact[] => {
    const entered = before?.status !== after.status;
    const partial = after.status === 'partially_paid';
    const amount = amountPaid(after);
    const grew = after.status !== 'paid' && amount > amountPaid(before);
    return [
      ...(grew || (entered && partial) ? told(kindOf('partially_paid'), amount > 0 ? String(amount) : '') : []),
      ...(entered && !partial ? told(kindOf(after.status), '') : []),
    ];
  };

const told = (kind: string | null, occurrence: string): readonly Fact[] =>
  kind === null ? [] : [{ kind, occurrence }];
