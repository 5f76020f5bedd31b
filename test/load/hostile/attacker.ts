/**
 * Those who attack, as a process of their own: the genuine sender's
 * clock must not wait for them. Started by measure.ts.
 */
import { answerParent } from '../answer-parent.ts';
import { attacks } from './attacks.ts';
import type { AttackName, Target } from './attacks.ts';

let running: { readonly stop: () => void } | undefined;

const end = (): void => {
  running?.stop();
  running = undefined;
};

answerParent({
  begin: (argument) => {
    const { attack, target } = argument as { readonly attack: AttackName; readonly target: Target };
    running = attacks[attack](target);
  },
  end,
  stop: end,
});
