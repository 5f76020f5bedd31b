import type { KeyRef, WaitingKey } from '#apply';
import { familySpec } from '#catalogue';
import type { Family } from '#catalogue';
import type { Job, JobData } from '#platform/queue';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';

/** What encodeURIComponent leaves as it is, and a job id may not have, or means something here. */
const LEFT_AS_IT_IS = /[.!~*'()]/g;
const asPercent = (sign: string): string => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`;

/**
 * One id per entity, so that its job is there once however often it is asked for. Razorpay's ids have letters, digits
 * and underscores; any other sign of a key becomes a dot and two hex digits, so that two keys never share an id.
 */
const jobIdOf = ({ family, key }: KeyRef): string =>
  `${family}.${encodeURIComponent(key).replace(LEFT_AS_IT_IS, asPercent).replaceAll('%', '.')}`;

/** The alarm of a parked key, in `afterMs`. */
export const retryJob = ({ family, key, afterMs, traceparent = null }: WaitingKey): Job => ({
  id: jobIdOf({ family, key }),
  data: { family, key, ...(traceparent !== null && { traceparent }) },
  priority: familySpec(family).priority,
  delayMs: afterMs,
});

/** The key that a job is about. Redis is not ours alone, so what comes out of it is checked. */
export const keyOfJob = ({ family, key }: JobData, families: ReadonlySet<string>): Parsed<KeyRef> => {
  if (family === undefined || key === undefined || key === '') return unparsed('the job names no family and key');
  if (!families.has(family))
    return unparsed(`the job is of the family ${JSON.stringify(family)}, which this service does not apply`);
  return parsed({ family: family as Family, key });
};
