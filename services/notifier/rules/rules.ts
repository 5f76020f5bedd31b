import type { FactKind } from '#catalogue';
import type { Formats } from '../templates/formats.ts';
import type { Words } from '../templates/words.ts';
import type { Condition } from './conditions.ts';
import type { DestinationShape } from './shapes.ts';

export interface Reminders {
  /** A time column of the row. */
  readonly before: string;
  /** Hours before that time, the longest first. */
  readonly hours: readonly number[];
  /** Statuses in which somebody still has to act; in any other the reminder disappears. */
  readonly while: readonly string[];
  readonly words: Words;
}

export interface Rule {
  readonly name: string;
  readonly when: ReadonlySet<FactKind>;
  readonly conditions: readonly Condition[];
  /** Names of destinations. */
  readonly to: readonly string[];
  readonly words: Words;
  readonly atOnce: boolean;
  readonly reminders: Reminders | null;
}

/** A destination as the file describes it; what the environment adds is in channels/destinations.ts. */
export interface DestinationSpec {
  readonly name: string;
  readonly line: number;
  readonly settings: DestinationShape;
}

/** A file of rules that has passed every check. Rules that are switched off are not in it. */
export interface NotificationRules {
  readonly formats: Formats;
  /** IANA name, as `time_zone` gives it. */
  readonly timeZone: string;
  readonly destinations: ReadonlyMap<string, DestinationSpec>;
  /** In the order of the file: for one fact, a destination hears the first rule that matches. */
  readonly rules: readonly Rule[];
}
