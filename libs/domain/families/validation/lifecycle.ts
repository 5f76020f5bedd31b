import type { EventIn } from '#catalogue';
import { byStageThenTime, foldInto, onceTrue, onStatusChange } from '#rules';
import type { Lifecycle } from '#rules';
import { validationEnds, validationFields, validationStatuses } from './fields.ts';
import type { ValidationStatus } from './fields.ts';
import { validationTransitions } from './transitions.ts';

const statusFacts = onStatusChange<ValidationStatus>(
  (status) => (status === 'created' ? null : `fund_account.validation.${status}`),
  validationEnds,
);

/** A check that is completed can have found that the account is none: it must not be paid. */
const invalidFacts = onceTrue<ValidationStatus>(
  'fund_account.validation.invalid',
  ({ status, values }) => status === 'completed' && foldInto(['invalid'], values['account_status']) === 'invalid',
);

export const validationLifecycle: Lifecycle<ValidationStatus, EventIn<'fund_accounts'>> = {
  statuses: validationStatuses,
  table: validationTransitions,
  fields: validationFields,
  shown: ({ subject }) => subject['status'],
  ends: validationEnds,
  isLaterEndContrary: true,
  contradicted: 'fund_account.validation.contradicted',
  order: byStageThenTime<ValidationStatus>(validationStatuses, validationEnds),
  facts: (before, after) => [...statusFacts(before, after), ...invalidFacts(before, after)],
};
