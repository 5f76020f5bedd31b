import type { EventIn } from '#catalogue';
import { onStatusChange, UNKNOWN } from '#rules';
import type { Lifecycle } from '#rules';
import { accountChangedAt, accountFields, accountStatuses } from './fields.ts';
import type { AccountStatus } from './fields.ts';
import { accountTransitions } from './transitions.ts';

export const accountLifecycle: Lifecycle<AccountStatus, EventIn<'accounts'>> = {
  statuses: accountStatuses,
  table: accountTransitions,
  fields: accountFields,
  shown: () => null,
  ends: [],
  contradicted: null,
  order: (snapshot, rank) => [rank, accountChangedAt(snapshot), snapshot.occurredAt ?? UNKNOWN],
  facts: onStatusChange((status) => `account.${status}`),
};
