import type { EventIn } from '#catalogue';
import type { Lifecycle } from '#kernel';
import { byRankThenTime, onStatusChange, statusIn } from '#kernel';
import { validationTransitions } from './transitions.ts';
import type { ValidationStatus } from './validation.ts';
import { validationFields, validationStatuses } from './validation.ts';

const readStatus = statusIn(validationStatuses);

export const validationLifecycle: Lifecycle<ValidationStatus, EventIn<'fund_accounts'>> = {
  statuses: validationStatuses,
  table: validationTransitions,
  fields: validationFields,
  shown: ({ subject }) => readStatus(subject['status']),
  order: byRankThenTime,
  facts: onStatusChange((status) => `fund_account.validation.${status}`),
};
