import { z } from 'zod';
import { postgresTarget } from './postgres-urls.ts';

/** A name of a header, `=` and the rest. */
const PAIR = /^\s*([\w!#$%&'*+.^`|~-]+)\s*=(.*)$/;

/** Building blocks of settings: each reads text from the environment and says in plain words what it expects. */
export const text = (fallback: string) => z.string().default(fallback);
export const optionalText = () => z.string().optional();
/** What stands in a file of certificates or of a key. */
export const pem = () =>
  optionalText().refine((value) => value?.includes('-----BEGIN ') !== false, { error: 'is not a PEM file' });

export const whole = (fallback: number, min: number, max: number) =>
  z
    .string()
    .optional()
    .transform((value, context) => {
      if (value === undefined) return fallback;
      const number = Number(value);
      if (Number.isInteger(number) && number >= min && number <= max) return number;
      context.addIssue({
        code: 'custom',
        message: `is ${JSON.stringify(value)}; give a whole number from ${min} to ${max}`,
      });
      return z.NEVER;
    });

export const share = (fallback: number) =>
  z
    .string()
    .optional()
    .transform((value, context) => {
      if (value === undefined) return fallback;
      const number = Number(value);
      if (value.trim() !== '' && number >= 0 && number <= 1) return number;
      context.addIssue({ code: 'custom', message: `is ${JSON.stringify(value)}; give a number from 0 to 1` });
      return z.NEVER;
    });

export const port = (fallback: number) => whole(fallback, 0, 65_535);

export const choice = <const Option extends string>(options: readonly [Option, ...Option[]], fallback: Option) =>
  z.enum(options, { error: `must be one of ${options.join(', ')}` }).default(fallback as never);

export const flag = (fallback: boolean) =>
  z
    .enum(['true', 'false', '1', '0'], { error: 'must be true or false' })
    .optional()
    .transform((value) => (value === undefined ? fallback : value === 'true' || value === '1'));

export const list = (what: string) =>
  z
    .string({ error: `is not set; give ${what}` })
    .transform((value) =>
      value
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    )
    .refine((items) => items.length > 0, { error: `is empty; give ${what}` });

/** `a=1,b=2` as an object; values are percent-decoded. A value is never shown: it may be a secret. */
export const pairs = (what: string) =>
  z
    .string()
    .optional()
    .transform((value, context): Readonly<Record<string, string>> => {
      const items = (value ?? '').split(',').filter((item) => item.trim() !== '');
      try {
        return Object.fromEntries(
          items.map((item) => {
            const [, name, text] = PAIR.exec(item) ?? [];
            if (name === undefined || text === undefined) throw new TypeError('no pair');
            return [name, decodeURIComponent(text.trim())];
          }),
        );
      } catch {
        context.addIssue({ code: 'custom', message: `cannot be read; give ${what}` });
        return z.NEVER;
      }
    });

export const postgresUrl = (what: string) =>
  z
    .string({ error: `is not set; give ${what}` })
    .refine((value) => postgresTarget(value) !== undefined, { error: `is not a URL of Postgres; give ${what}` });

export const url = (what: string) =>
  z
    .string({ error: `is not set; give ${what}` })
    .refine((value) => URL.canParse(value), { error: `is not a URL; give ${what}` });
