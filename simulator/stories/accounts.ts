import {
  instantlyActivated,
  kycPending,
  newAccount,
  newValidation,
  validationCompleted,
  validationFailed,
} from '../builders/accounts.ts';
import { end, step, telling } from './story.ts';
import type { Story } from './story.ts';

export const accountActivated: Story = {
  summary: 'A sub-merchant is activated instantly and then hands in its details.',
  tell: (scene) => {
    const { random, start } = scene;
    const account = instantlyActivated(newAccount(random, { at: start }), start + 120);
    const accountId = `acc_${account.id}`;
    const steps = [
      step(120, 'account.instantly_activated', { account }, { accountId }),
      step(1_100, 'account.activated_kyc_pending', { account: kycPending(account, start + 1_100) }, { accountId }),
    ];
    return telling(scene, steps, [end('accounts', account.id, 'activated_kyc_pending')]);
  },
};

export const accountAtItsLimit: Story = {
  summary: 'A sub-merchant is activated instantly, up to a limit, and stays there.',
  tell: (scene) => {
    const account = instantlyActivated(newAccount(scene.random, { at: scene.start }), scene.start + 60);
    const steps = [step(60, 'account.instantly_activated', { account }, { accountId: `acc_${account.id}` })];
    return telling(scene, steps, [end('accounts', account.id, 'instantly_activated')]);
  },
};

export const validations: Story = {
  summary: 'A bank account and a VPA are checked; the check of a third account fails.',
  tell: (scene) => {
    const { random, start } = scene;
    const bank = newValidation(random, { at: start, of: 'bank_account' });
    const vpa = newValidation(random, { at: start + 10, of: 'vpa' });
    const silent = newValidation(random, { at: start + 20, of: 'bank_account' });
    const steps = [
      step(4, 'fund_account.validation.completed', {
        'fund_account.validation': validationCompleted(bank, random, 'Asha Rao'),
      }),
      step(12, 'fund_account.validation.completed', {
        'fund_account.validation': validationCompleted(vpa, random, 'Meena Kumar'),
      }),
      step(80, 'fund_account.validation.failed', { 'fund_account.validation': validationFailed(silent) }),
    ];
    const done = [bank, vpa].map(({ id }) => end('fund_accounts', id, 'completed'));
    return telling(scene, steps, [...done, end('fund_accounts', silent.id, 'failed')]);
  },
};
