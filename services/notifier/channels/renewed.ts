import type { Current } from '#platform/config';
import { codeOf } from '#platform/log';
import type { Logger } from '#platform/log';
import { createThrottle } from '#platform/time';
import { parsed } from '#rules';
import type { Parsed } from '#rules';
import type { Channel } from './channel.ts';

/** While new values cannot be used, that is said at most once in this time, in ms. */
const TOLD_EVERY_MS = 60_000;

interface Made {
  readonly channel: Channel;
  readonly values: string;
  deliveries: number;
}

/**
 * A channel whose URL or secrets stand in files: it is made anew when a delivery finds that they have changed. The one
 * of before ends what it has begun. Values that make no channel leave the one that there is.
 */
export const renewed = (
  values: Current<string>,
  make: () => Parsed<Channel>,
  log: Pick<Logger, 'warn'>,
): Parsed<Channel> => {
  const first = make();
  if (!first.ok) return first;
  const throttle = createThrottle(TOLD_EVERY_MS);
  let current: Made = { channel: first.value, values: values(), deliveries: 0 };

  const letGo = async (made: Made): Promise<void> => {
    if (made !== current && made.deliveries === 0) await made.channel.close();
  };
  const now = (): Made => {
    const found = values();
    if (found === current.values) return current;
    const again = make();
    if (!again.ok) {
      if (throttle.admit() !== undefined)
        log.warn(
          { code: codeOf('config', 'file-unusable'), issues: again.issues },
          'a destination was changed to what cannot be used; the last good values stay in use',
        );
      return current;
    }
    const before = current;
    current = { channel: again.value, values: found, deliveries: 0 };
    void letGo(before);
    return current;
  };

  return parsed({
    deliver: async (message, context) => {
      const made = now();
      made.deliveries += 1;
      try {
        return await made.channel.deliver(message, context);
      } finally {
        made.deliveries -= 1;
        void letGo(made);
      }
    },
    close: () => current.channel.close(),
  });
};
