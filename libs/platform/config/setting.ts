import type { z } from 'zod';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';
import { rereading, textOfFile } from './reread.ts';
import type { Current } from './reread.ts';

/**
 * Where the value stands: in the variable; there or in the file that `<variable>_FILE` names; in the file that the
 * variable names. What may stand in a file is read again when the file changes.
 */
type Place = 'variable' | 'either' | 'file';

/**
 * One environment variable: its name, what it may be, and what a
 * person needs to know. The README's table is made of these.
 */
export interface Setting<Value> {
  readonly env: string;
  /** Reads the value's text; `undefined` when it is not set. Carries the default. */
  readonly schema: z.ZodType<Value, string | undefined>;
  readonly description: string;
  /** A secret is shown as "set" or "not set", never by value. */
  readonly secret: boolean;
  readonly place: Place;
}
type InFile<Value> = Setting<Value> & { readonly place: 'either' | 'file' };

export type Settings = Readonly<Record<string, Setting<unknown>>>;
export type ConfigOf<Of extends Settings> = {
  readonly [Key in keyof Of]: Of[Key] extends InFile<infer Value>
    ? Current<Value>
    : Of[Key] extends Setting<infer Value>
      ? Value
      : never;
};

type Declared<Value> = [env: string, schema: z.ZodType<Value, string | undefined>, description: string];

export const setting = <Value>(...[env, schema, description]: Declared<Value>) =>
  ({ env, schema, description, secret: false, place: 'variable' }) as const;
/** A secret, or what belongs to one: in the environment, or in a file, which whoever rotates it changes in place. */
export const secretSetting = <Value>(...[env, schema, description]: Declared<Value>) =>
  ({ env, schema, description, secret: true, place: 'either' }) as const;
/** A secret whose file is another setting, because it is written in another way. */
export const secretVariable = <Value>(...[env, schema, description]: Declared<Value>) =>
  ({ env, schema, description, secret: true, place: 'variable' }) as const;
/** No secret, but kept together with one: shown where it stands in the environment. */
export const loginSetting = <Value>(...[env, schema, description]: Declared<Value>) =>
  ({ env, schema, description, secret: false, place: 'either' }) as const;
/** The variable names a file; the value is what stands in it, and the schema's. */
export const fileSetting = <Value>(...[env, schema, description]: Declared<Value>) =>
  ({ env, schema, description, secret: false, place: 'file' }) as const;

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of this process. The only place that touches it. */
export const processEnvironment = (): Environment => process.env;

const FILE = '_FILE';
/** The variables that a setting is read from. */
export const variablesOf = ({ env, place }: Setting<unknown>): readonly string[] =>
  place === 'either' ? [env, `${env}${FILE}`] : [env];

/**
 * `above` over `environment`. Who gives a value, or the file with it, means that one: what the environment has of the
 * same setting in the other form is left out.
 */
export const overlaid = (environment: Environment, above: Environment): Environment => {
  const given = Object.entries(above).filter(([, value]) => value !== undefined && value !== '');
  const replaced = new Set(
    given.map(([name]) => (name.endsWith(FILE) ? name.slice(0, -FILE.length) : `${name}${FILE}`)),
  );
  return {
    ...Object.fromEntries(Object.entries(environment).filter(([name]) => !replaced.has(name))),
    ...Object.fromEntries(given),
  };
};

const isSet = (value: string | undefined): value is string => value !== undefined && value !== '';

const valueOf = <Value>({ schema }: Setting<Value>, text: string | undefined, where: string): Parsed<Value> => {
  const read = schema.safeParse(text);
  return read.success ? parsed(read.data) : unparsed(...read.error.issues.map(({ message }) => `${where} ${message}`));
};

/**
 * One setting that may stand in a file. Looked at whenever it is asked for; a file that is no longer of use leaves the
 * last good value, and `onUnusable` hears which and why.
 */
const currentOf = <Value>(
  setting: Setting<Value>,
  environment: Environment,
  onUnusable: (issue: string) => void,
): Parsed<Current<Value>> => {
  const variable = setting.place === 'file' ? setting.env : `${setting.env}${FILE}`;
  const file = environment[variable];
  const inline = setting.place === 'file' ? undefined : environment[setting.env];
  if (!isSet(file)) {
    const read = valueOf(setting, isSet(inline) ? inline : undefined, `${setting.env}:`);
    return read.ok ? parsed(() => read.value) : read;
  }
  if (isSet(inline)) return unparsed(`${setting.env}: is set together with ${variable}; set one of them`);
  const read = (): Parsed<Value> => {
    const text = textOfFile(variable, file);
    return text.ok ? valueOf(setting, text.value, `${variable}: ${file}`) : text;
  };
  return rereading([file], read, onUnusable);
};

/**
 * Reads all settings at once; every problem is reported, each with the variable's name and never with a secret's value.
 * `onUnusable`: as of `currentOf`, later.
 */
export const readConfig = <Of extends Settings>(
  settings: Of,
  environment: Environment,
  onUnusable: (issue: string) => void = () => undefined,
): Parsed<ConfigOf<Of>> => {
  const values: Record<string, unknown> = {};
  const issues: string[] = [];
  for (const [key, setting] of Object.entries(settings)) {
    const text = environment[setting.env];
    const read =
      setting.place === 'variable'
        ? valueOf(setting, isSet(text) ? text : undefined, `${setting.env}:`)
        : currentOf(setting, environment, onUnusable);
    if (read.ok) values[key] = read.value;
    else issues.push(...read.issues);
  }
  return issues.length > 0 ? unparsed(...issues) : parsed(values as ConfigOf<Of>);
};

/** One line per setting for the start-up log; secrets only as set or not set, or by their file. */
export const describeConfig = (settings: Settings, environment: Environment): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.values(settings).map(({ env, secret, place }) => {
      const value = environment[env];
      const file = place === 'either' ? environment[`${env}${FILE}`] : undefined;
      if (isSet(file)) return [env, `in the file ${file}`];
      return [env, secret ? (isSet(value) ? 'set' : 'not set') : isSet(value) ? value : 'default'];
    }),
  );
