import type { Command } from 'commander';
import { optionalText, ruleFileSettings, setting } from '#platform/config';
import { isTimeZone } from '../services/notifier/templates/formats.ts';
import { settingsOf } from './output.ts';

export const timeSettings = {
  timeZone: setting(
    'DAKIA_TIME_ZONE',
    optionalText().refine((zone) => zone === undefined || isTimeZone(zone), {
      error: 'there is no such time zone; give one such as Asia/Kolkata',
    }),
    'Time zone of the times that commands print. Without it time_zone of DAKIA_NOTIFICATIONS_FILE, and without ' +
      'that file UTC. With --json times are in UTC.',
  ),
} as const;

/** Made when the first time is printed: most commands print none. */
let zone = 'UTC';
let clock: Intl.DateTimeFormat | undefined;

const makeClock = (timeZone: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat('en-US', {
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' },
    ...{ fractionalSecondDigits: 3, hourCycle: 'h23', timeZone, timeZoneName: 'longOffset' },
  });

/**
 * Sets the zone for what this command prints. Throws UsageError for a
 * zone that does not exist, before anything is done.
 */
export const useTimeZone = async (command: Command): Promise<void> => {
  const { timeZone, notificationsFile } = settingsOf(command, { ...timeSettings, ...ruleFileSettings });
  clock = undefined;
  zone = timeZone ?? (await zoneOfRules(notificationsFile)) ?? 'UTC';
};

/** A file that is wrong is the notifier's business, and no reason not to show what is parked. */
const zoneOfRules = async (notificationsFile: string | undefined): Promise<string | undefined> => {
  if (notificationsFile === undefined) return undefined;
  const { loadRules } = await import('../services/notifier/open-rules.ts');
  const file = loadRules({ notificationsFile });
  return file.ok ? file.value.rules.timeZone : undefined;
};

/** A time as commands print it: ISO 8601 with the offset of the configured zone, one word. */
export const timeOf = (time: Date): string => {
  clock ??= makeClock(zone);
  const parts = Object.fromEntries(clock.formatToParts(time).map(({ type, value }) => [type, value]));
  const { year, month, day, hour, minute, second, fractionalSecond, timeZoneName = 'GMT' } = parts;
  const offset = /^GMT(\+00:00)?$/.test(timeZoneName) ? 'Z' : timeZoneName.replace('GMT', '');
  return `${year}-${month}-${day}T${hour}:${minute}:${second}.${fractionalSecond}${offset}`;
};
