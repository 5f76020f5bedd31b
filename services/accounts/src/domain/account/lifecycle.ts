import type { EventIn } from '#catalogue';
import type { Lifecycle } from '#kernel';
import { onStatusChange, UNKNOWN } from '#kernel';
import type { AccountStatus } from './account.ts';
import { accountFields, accountStatuses, accountChangedAt } from './account.ts';
import { accountTransitions } from './transitions.ts';

export const accountLifecycle: Lifecycle<AccountStatus, EventIn<'accounts'>> = {
  statuses: accountStatuses,
  table: accountTransitions,
  fields: accountFields,
  shown: () => null,
  order: (snapshot, rank) => [rank, accountChangedAt(snapshot), snapshot.occurredAt ?? UNKNOWN],
  facts: onStatusChange((status) => `account.${status}`),
};
