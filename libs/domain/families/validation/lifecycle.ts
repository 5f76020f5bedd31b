import type { EventIn } from '#catalogue';
import { byRankThenTime, onStatusChange, statusIn } from '#rules';
import type { Lifecycle } from '#rules';
import { validationFields, validationStatuses } from './fields.ts';
import type { ValidationStatus } from './fields.ts';
import { validationTransitions } from './transitions.ts';

const readStatus = statusIn(validationStatuses);

export const validationLifecycle: Lifecycle<ValidationStatus, EventIn<'fund_accounts'>> = {
  statuses: validationStatuses,
  table: validationTransitions,
  fields: validationFields,
  shown: ({ subject }) => readStatus(subject['status']),
  order: byRankThenTime,
  facts: onStatusChange((status) => `fund_account.validation.${status}`),
};
