import { z } from 'zod';

/** Names of rules, templates and destinations: short, and safe in ids, logs and commands. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
/** The name of an environment variable. A secret that stands here by mistake does not pass, and is never shown. */
const ENVIRONMENT_NAME = /^[A-Z][A-Z0-9_]{1,127}$/;
const LIST_MAX = 100;

const is = (what: string) => ({ error: what });
export const NO_NAME = 'must be a name of small letters, digits, - and _, at most 63';
const name = z.string(is('must be a name')).regex(NAME, is(NO_NAME));
export const isName = (text: string): boolean => NAME.test(text);
const line = z.string(is('must be text')).min(1, is('must not be empty')).max(4_000, is('is too long'));
const variable = z
  .string(is('must be the name of an environment variable'))
  .regex(ENVIRONMENT_NAME, is('must be the NAME of an environment variable (capitals, digits, _), never its value'));
const flag = z.boolean(is('must be true or false'));
const oneOrMore = <Item extends z.ZodType>(item: Item, what: string) =>
  z
    .union(
      [
        item,
        z
          .array(item)
          .min(1, is(`must name at least one: ${what}`))
          .max(LIST_MAX),
      ],
      is(`must be ${what}, or a list of them`),
    )
    .transform((given): z.output<Item>[] => (Array.isArray(given) ? (given as z.output<Item>[]) : [given]));
const between = (min: number, max: number, unit: string) =>
  z
    .number(is(`must be a number of ${unit}`))
    .min(min, is(`must be at least ${min}`))
    .max(max, is(`must be at most ${max}`));

/** What any destination may say of itself; defaults depend on the type (destinations.ts). */
const anyDestination = {
  concurrency: between(1, 64, 'deliveries at once').int(is('must be whole')).optional(),
  rate_per_second: between(0.01, 10_000, 'deliveries per second').optional(),
  timeout_ms: between(100, 60_000, 'milliseconds').optional(),
  optional: flag.default(false),
};
const allow = z
  .array(
    z.string(is('must be a host, an address or a network')).min(1).max(253),
    is('must be a list of hosts, addresses and networks'),
  )
  .max(LIST_MAX)
  .default([]);
const mailbox = z
  .string(is('must be an e-mail address'))
  .regex(/^[^\r\n]{1,200}@[^\r\n@]{1,200}$/, is('must be an e-mail address'));

export const destinationShape = z.discriminatedUnion(
  'type',
  [
    z.strictObject({
      type: z.literal('http'),
      url: z.string(is('must be a URL')).optional(),
      url_env: variable.optional(),
      secrets_env: variable,
      allow,
      personal_columns: z
        .array(z.string(is('must be the name of a column')), is('must be a list of columns'))
        .max(LIST_MAX)
        .default([]),
      ...anyDestination,
    }),
    z.strictObject({ type: z.literal('slack'), url_env: variable, allow, ...anyDestination }),
    z.strictObject({
      type: z.literal('email'),
      smtp_url_env: variable,
      from: mailbox,
      to: oneOrMore(mailbox, 'an e-mail address'),
      tls: z.enum(['required', 'if_offered'], is('must be required or if_offered')).default('required'),
      ...anyDestination,
    }),
    z.strictObject({ type: z.literal('log'), ...anyDestination }),
  ],
  is('must be http, slack, email or log'),
);
export type DestinationShape = z.output<typeof destinationShape>;

export const wordsShape = z.strictObject({ title: line, text: line }, is('must be a map with title and text'));

const remindersShape = z.strictObject(
  {
    before: z.string(is('must be the name of a time column')),
    hours: z
      .array(between(0.25, 24 * 90, 'hours'), is('must be a list of numbers of hours'))
      .min(1, is('must name at least one number of hours'))
      .max(20),
    while: oneOrMore(z.string(is('must be a status')), 'a status'),
    template: name.optional(),
    title: line.optional(),
    text: line.optional(),
  },
  is('must be a map with before, hours and while'),
);

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const operators = z
  .strictObject({
    is: z.union([scalar, z.array(scalar).min(1).max(LIST_MAX)]).optional(),
    is_not: z.union([scalar, z.array(scalar).min(1).max(LIST_MAX)]).optional(),
    over: z.number(is('must be a number')).optional(),
    under: z.number(is('must be a number')).optional(),
    known: flag.optional(),
    currency: z.string().optional(),
  })
  .refine((given) => Object.keys(given).length > 0, is('must say is, is_not, over, under or known'));
export type Operators = z.output<typeof operators>;

export const ruleShape = z.strictObject(
  {
    name,
    when: oneOrMore(z.string(is('must be a fact')), 'a fact'),
    if: z
      .record(
        z.string(),
        z.union(
          [scalar, z.array(scalar).min(1).max(LIST_MAX), operators],
          is('must be a value, a list of values, or is, is_not, over, under, known'),
        ),
      )
      .default({}),
    to: oneOrMore(name, 'the name of a destination'),
    template: name.optional(),
    title: line.optional(),
    text: line.optional(),
    reminders: remindersShape.optional(),
    at_once: flag.default(true),
    enabled: flag.default(true),
  },
  is('must be a map with name, when and to'),
);
export type RuleShape = z.output<typeof ruleShape>;

/** The sections, each read by itself so that one mistake does not hide another. */
export const fileShape = z.strictObject(
  {
    time_zone: z.string(is('must be a time zone such as Asia/Kolkata')).default('Asia/Kolkata'),
    locale: z.string(is('must be a locale such as en-IN')).default('en-IN'),
    destinations: z.record(z.string(), z.unknown(), is('must be a map of names to destinations')),
    templates: z.record(z.string(), z.unknown(), is('must be a map of names to templates')).default({}),
    rules: z.array(z.unknown(), is('must be a list of rules')).max(500, is('has more than 500 rules')),
  },
  is('must be a map with time_zone, locale, destinations, templates and rules'),
);
