import { eventsOf } from '#catalogue';
import type { EventIn } from '#catalogue';
import type { Move, TransitionTable } from '#rules';
import { accountStatuses } from './fields.ts';
import type { AccountStatus } from './fields.ts';

type Event = EventIn<'accounts'>;
type Row = { readonly [On in Event]: Move<AccountStatus> };

/** What the name of an event by itself says of the status; the others say something of funds, payments or details. */
const named: Readonly<Partial<Record<Event, AccountStatus>>> = {
  'account.instantly_activated': 'instantly_activated',
  'account.activated_kyc_pending': 'activated_kyc_pending',
  'account.activated': 'activated',
  'account.under_review': 'under_review',
  'account.needs_clarification': 'needs_clarification',
  'account.rejected': 'rejected',
  'account.suspended': 'suspended',
};

const rowOf = (from: AccountStatus | 'absent'): Row => {
  const to = (event: Event): AccountStatus => {
    const said = named[event];
    if (from === 'suspended' || said === undefined) return from === 'absent' ? 'known' : from;
    return said;
  };
  return Object.fromEntries(
    (eventsOf('accounts') as readonly Event[]).map((event) => [event, { to: to(event) }]),
  ) as Row;
};

/**
 * Where each event leads that comes later than what is known (lifecycle.ts): a review goes to and fro, so the newer
 * counts. A name lifts no suspension: only a snapshot does that shows that there is none any more.
 */
export const accountTransitions = Object.fromEntries(
  (['absent', ...accountStatuses] as const).map((from) => [from, rowOf(from)]),
) as TransitionTable<AccountStatus, Event>;
