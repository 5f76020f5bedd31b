import type { EventIn } from '#catalogue';
import type { TransitionTable } from '#rules';
import type { ValidationStatus } from './fields.ts';

const completed = { to: 'completed' } as const;
const failed = { to: 'failed' } as const;

/** Where each event leads. Between the two ends the later one counts (fields.ts). */
export const validationTransitions: TransitionTable<ValidationStatus, EventIn<'fund_accounts'>> = {
  absent: { 'fund_account.validation.completed': completed, 'fund_account.validation.failed': failed },
  created: { 'fund_account.validation.completed': completed, 'fund_account.validation.failed': failed },
  failed: { 'fund_account.validation.completed': completed, 'fund_account.validation.failed': failed },
  completed: { 'fund_account.validation.completed': completed, 'fund_account.validation.failed': failed },
};
