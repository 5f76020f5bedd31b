import type { EventIn } from '#catalogue';
import type { TransitionTable } from '#rules';
import type { AccountStatus } from './fields.ts';

const instantlyActivated = { to: 'instantly_activated' } as const;
const activatedKycPending = { to: 'activated_kyc_pending' } as const;

/**
 * Where each event leads. An account whose details are submitted does not go back to instant activation (account.ts).
 */
export const accountTransitions: TransitionTable<AccountStatus, EventIn<'accounts'>> = {
  absent: { 'account.instantly_activated': instantlyActivated, 'account.activated_kyc_pending': activatedKycPending },
  instantly_activated: {
    'account.instantly_activated': instantlyActivated,
    'account.activated_kyc_pending': activatedKycPending,
  },
  activated_kyc_pending: {
    'account.instantly_activated': 'stale',
    'account.activated_kyc_pending': activatedKycPending,
  },
};
