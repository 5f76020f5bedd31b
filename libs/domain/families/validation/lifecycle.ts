import type { EventIn } from '#catalogue';
import { byStageThenTime, onStatusChange } from '#rules';
import type { Lifecycle } from '#rules';
import { validationEnds, validationFields, validationStatuses } from './fields.ts';
import type { ValidationStatus } from './fields.ts';
import { validationTransitions } from './transitions.ts';

export const validationLifecycle: Lifecycle<ValidationStatus, EventIn<'fund_accounts'>> = {
  statuses: validationStatuses,
  table: validationTransitions,
  fields: validationFields,
  shown: ({ subject }) => subject['status'],
  ends: validationEnds,
  isLaterEndContrary: true,
  contradicted: 'fund_account.validation.contradicted',
  order: byStageThenTime<ValidationStatus>(validationStatuses, validationEnds),
  facts: onStatusChange<ValidationStatus>(
    (status) => (status === 'created' ? null : `fund_account.validation.${status}`),
    validationEnds,
  ),
};
