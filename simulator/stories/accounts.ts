import {
  inStep,
  instantlyActivated,
  kycPending,
  linkedAccount,
  newAccount,
  newValidation,
  suspended,
  validationCompleted,
  validationFailed,
  withFunds,
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

export const accountReviewed: Story = {
  summary: 'A sub-merchant is asked for more, is activated, has its settlements held for a while, and is suspended.',
  tell: (scene) => {
    const { random, start } = scene;
    const account = instantlyActivated(newAccount(random, { at: start }), start + 30);
    const more = { accountId: `acc_${account.id}` };
    const review = inStep(account, start + 60, 'under_review');
    const asked = inStep(review, start + 120, 'needs_clarification');
    const again = inStep(asked, start + 240, 'under_review');
    const active = inStep(again, start + 400, 'activated', { hold_funds: false });
    const held = withFunds(active, start + 500, true);
    const released = withFunds(held, start + 600, false);
    const steps = [
      step(30, 'account.payments_enabled', { account }, more),
      step(60, 'account.under_review', { account: review }, more),
      step(120, 'account.needs_clarification', { account: asked }, more),
      step(240, 'account.under_review', { account: again }, more),
      step(400, 'account.activated', { account: active }, more),
      step(500, 'account.funds_hold', { account: held }, more),
      step(600, 'account.funds_unhold', { account: released }, more),
      step(900, 'account.suspended', { account: suspended(released, start + 900) }, more),
    ];
    return telling(scene, steps, [end('accounts', account.id, 'suspended')]);
  },
};

export const accountRejected: Story = {
  summary: 'A sub-merchant is refused; the bank account of a linked account fails its check and passes a second one.',
  tell: (scene) => {
    const { random, start } = scene;
    const account = newAccount(random, { at: start });
    const failed = linkedAccount(random, { at: start, isVerified: false });
    const verified = linkedAccount(random, { at: start + 300, isVerified: true, id: failed.account.id });
    const linked = { accountId: failed.account.id };
    const steps = [
      step(
        60,
        'account.rejected',
        { account: inStep(account, start + 60, 'rejected') },
        { accountId: `acc_${account.id}` },
      ),
      step(90, 'account.updated', failed, linked),
      step(300, 'account.updated', verified, linked),
    ];
    const ends = [end('accounts', account.id, 'rejected')];
    return telling(scene, steps, [...ends, end('accounts', failed.account.id.replace(/^acc_/, ''), 'activated')]);
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
