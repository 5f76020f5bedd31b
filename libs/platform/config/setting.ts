import type { z } from 'zod';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';

/**
 * One environment variable: its name, what it may be, and what a
 * person needs to know. The README's table is made of these.
 */
export interface Setting<Value> {
  readonly env: string;
  /** Reads the variable's text; `undefined` when it is not set. Carries the default. */
  readonly schema: z.ZodType<Value, string | undefined>;
  readonly description: string;
  /** A secret is shown as "set" or "not set", never by value. */
  readonly secret: boolean;
}
export type Settings = Readonly<Record<string, Setting<unknown>>>;
export type ConfigOf<Of extends Settings> = {
  readonly [Key in keyof Of]: Of[Key] extends Setting<infer Value> ? Value : never;
};

export const setting = <Value>(
  env: string,
  schema: z.ZodType<Value, string | undefined>,
  description: string,
): Setting<Value> => ({ env, schema, description, secret: false });
export const secretSetting = <Value>(
  env: string,
  schema: z.ZodType<Value, string | undefined>,
  description: string,
): Setting<Value> => ({ env, schema, description, secret: true });

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of this process. The only place that touches it. */
export const processEnvironment = (): Environment => process.env;

/**
 * Reads all settings at once; every problem is reported, each with the variable's name and never with a secret's value.
 */
export const readConfig = <Of extends Settings>(settings: Of, environment: Environment): Parsed<ConfigOf<Of>> => {
  const values: Record<string, unknown> = {};
  const issues: string[] = [];
  for (const [key, { env, schema }] of Object.entries(settings)) {
    const text = environment[env];
    const read = schema.safeParse(text === '' ? undefined : text);
    if (read.success) values[key] = read.data;
    else issues.push(...read.error.issues.map((issue) => `${env}: ${issue.message}`));
  }
  return issues.length > 0 ? unparsed(...issues) : parsed(values as ConfigOf<Of>);
};

/** One line per setting for the start-up log; secrets only as set or not set. */
export const describeConfig = (settings: Settings, environment: Environment): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.values(settings).map(({ env, secret }) => {
      const value = environment[env];
      const isSet = value !== undefined && value !== '';
      return [env, secret ? (isSet ? 'set' : 'not set') : isSet ? value : 'default'];
    }),
  );
