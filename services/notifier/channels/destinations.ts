import { optionalText, readConfig, secretSetting } from '#platform/config';
import type { Environment } from '#platform/config';
import { codeOf } from '#platform/log';
import type { Logger } from '#platform/log';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';
import type { DestinationSpec, NotificationRules } from '../rules/rules.ts';
import type { DestinationShape } from '../rules/shapes.ts';
import type { Message } from '../templates/words.ts';
import { parseAllowList } from './address-guard.ts';
import type { Channel, DeliveryContext, Outcome } from './channel.ts';
import { createEmail } from './email.ts';
import { enter, leave, unusedLimits } from './rate-limit.ts';
import type { Deferred, Limits } from './rate-limit.ts';
import { createLogChannel } from './log.ts';
import type { PostTarget } from './post.ts';
import { renewed } from './renewed.ts';
import { createSignedHttp, parseSecrets } from './signed-http.ts';
import { createSlack } from './slack.ts';
import { checkUrl } from './target.ts';
import { rateOf } from './token-bucket.ts';

/**
 * Slack takes one message per second and webhook
 * (docs.slack.dev/apis/web-api/rate-limits); mail servers dislike floods.
 */
const DEFAULTS = {
  http: { concurrency: 16, perSecond: null, timeoutMs: 15_000 },
  slack: { concurrency: 1, perSecond: 1, timeoutMs: 10_000 },
  email: { concurrency: 2, perSecond: 5, timeoutMs: 30_000 },
  log: { concurrency: 64, perSecond: null, timeoutMs: 1_000 },
} as const satisfies Record<
  DestinationShape['type'],
  { concurrency: number; perSecond: number | null; timeoutMs: number }
>;

/** A channel behind its limits. Limits hold per process: several notifiers together may do as many times more. */
export interface Destination {
  readonly name: string;
  readonly type: DestinationShape['type'];
  /** Deliveries at once: what the concurrency of this destination's worker should be. */
  readonly concurrency: number;
  readonly deliver: (message: Message, context: DeliveryContext) => Promise<Outcome | Deferred>;
  readonly circuit: () => 'closed' | 'open' | 'probing';
  readonly close: () => Promise<void>;
}

export interface Destinations {
  readonly open: ReadonlyMap<string, Destination>;
  /** `optional` destinations whose variables are not set: nothing is sent to them, and the start says so. */
  readonly off: readonly { readonly name: string; readonly missing: readonly string[] }[];
}

const LEFT_AS_IT_WAS = 'the file of a destination is of no more use; the last good value stays in use';

/** What the environment makes of one destination. */
type Completed =
  | { readonly kind: 'open'; readonly destination: Destination }
  | { readonly kind: 'missing'; readonly missing: readonly string[] }
  | { readonly kind: 'wrong'; readonly issues: readonly string[] };

const complete = (spec: DestinationSpec, environment: Environment, log: Logger): Completed => {
  const variables = variablesOf(spec.settings);
  const read = readConfig(
    Object.fromEntries(variables.map((name) => [name, secretSetting(name, optionalText(), `Of ${spec.name}.`)])),
    environment,
    (issue) =>
      log.warn({ code: codeOf('config', 'file-unusable'), destination: spec.name, issues: [issue] }, LEFT_AS_IT_WAS),
  );
  if (!read.ok) return { kind: 'wrong', issues: read.issues };
  const missing = variables.filter((name) => read.value[name]?.() === undefined);
  if (missing.length > 0) return { kind: 'missing', missing };
  const valueOf = (name: string): string => read.value[name]?.() ?? '';
  const make = (): Parsed<Channel> => channelOf(spec.settings, valueOf, log);
  const mayChange = variables.some((name) => environment[name] === undefined || environment[name] === '');
  const channel = mayChange ? renewed(() => variables.map(valueOf).join('\n'), make, log) : make();
  return channel.ok
    ? { kind: 'open', destination: limited(spec, channel.value) }
    : { kind: 'wrong', issues: channel.issues };
};

/**
 * Makes every destination of the file; everything that the environment lacks is reported at once, never with a value.
 */
export const openDestinations = (
  specs: NotificationRules['destinations'],
  environment: Environment,
  log: Logger,
  fileName: string,
): Parsed<Destinations> => {
  const open = new Map<string, Destination>();
  const off: Destinations['off'][number][] = [];
  const issues: string[] = [];
  for (const spec of specs.values()) {
    const at = `${fileName}:${spec.line}: destinations.${spec.name}`;
    const completed = complete(spec, environment, log);
    if (completed.kind === 'open') open.set(spec.name, completed.destination);
    else if (completed.kind === 'wrong') issues.push(...completed.issues.map((issue) => `${at}: ${issue}`));
    else if (spec.settings.optional) off.push({ name: spec.name, missing: completed.missing });
    else issues.push(`${at}: ${completed.missing.join(' and ')} not set; set it, or make the destination optional`);
  }
  return issues.length > 0 ? unparsed(...issues) : parsed({ open, off });
};

/** What the environment lacks for a destination, or what is wrong in it. */
export interface EnvironmentFinding {
  readonly spec: DestinationSpec;
  readonly missing: readonly string[];
  readonly issues: readonly string[];
}

/** Looks at the variables of every destination. Sends nothing, and shows no value. */
export const examineEnvironment = (
  specs: NotificationRules['destinations'],
  environment: Environment,
  log: Logger,
): readonly EnvironmentFinding[] =>
  [...specs.values()].flatMap((spec): readonly EnvironmentFinding[] => {
    const completed = complete(spec, environment, log);
    if (completed.kind === 'missing') return [{ spec, missing: completed.missing, issues: [] }];
    if (completed.kind === 'wrong') return [{ spec, missing: [], issues: completed.issues }];
    void completed.destination.close();
    return [];
  });

const variablesOf = (settings: DestinationShape): readonly string[] => {
  switch (settings.type) {
    case 'http':
      return [...(settings.url_env === undefined ? [] : [settings.url_env]), settings.secrets_env];
    case 'slack':
      return [settings.url_env];
    case 'email':
      return [settings.smtp_url_env];
    case 'log':
      return [];
  }
};

const channelOf = (settings: DestinationShape, read: (name: string) => string, log: Logger): Parsed<Channel> => {
  switch (settings.type) {
    case 'http': {
      const secrets = parseSecrets(read(settings.secrets_env));
      if (!secrets.ok) return unparsed(...secrets.issues.map((issue) => `${settings.secrets_env} ${issue}`));
      const target = targetOf(settings, settings.url ?? read(settings.url_env ?? ''), settings.url_env ?? 'url');
      return target.ok
        ? parsed(
            createSignedHttp(
              { secrets: secrets.value, personalColumns: new Set(settings.personal_columns) },
              target.value,
            ),
          )
        : target;
    }
    case 'slack': {
      const target = targetOf(settings, read(settings.url_env), settings.url_env);
      return target.ok ? parsed(createSlack(target.value)) : target;
    }
    case 'email': {
      const smtpUrl = read(settings.smtp_url_env);
      if (!/^smtps?:\/\/[^/\s]+/.test(smtpUrl) || !URL.canParse(smtpUrl))
        return unparsed(`${settings.smtp_url_env} must be smtp://host:587 or smtps://user:password@host:465`);
      const { concurrency, timeoutMs } = limitsOf(settings);
      return parsed(
        createEmail({
          smtpUrl,
          from: settings.from,
          to: settings.to,
          tls: settings.tls,
          connections: concurrency,
          timeoutMs,
        }),
      );
    }
    case 'log':
      return parsed(createLogChannel(log));
  }
};

const targetOf = (
  settings: DestinationShape & { readonly type: 'http' | 'slack' },
  text: string,
  where: string,
): Parsed<PostTarget> => {
  const allow = parseAllowList(settings.allow);
  if (!allow.ok) return allow;
  const url = checkUrl(text, allow.value);
  if (!url.ok) return unparsed(...url.issues.map((issue) => `${where} ${issue}`));
  const { concurrency, timeoutMs } = limitsOf(settings);
  return parsed({ url: url.value, allow: allow.value, connections: concurrency, timeoutMs });
};

const limitsOf = (settings: DestinationShape): Limits & { readonly timeoutMs: number } => {
  const defaults = DEFAULTS[settings.type];
  const perSecond = settings.rate_per_second ?? defaults.perSecond;
  return {
    concurrency: settings.concurrency ?? defaults.concurrency,
    rate: perSecond === null ? null : rateOf(perSecond),
    timeoutMs: settings.timeout_ms ?? defaults.timeoutMs,
  };
};

const limited = ({ name, settings }: DestinationSpec, channel: Channel): Destination => {
  const limits = limitsOf(settings);
  let limitState = unusedLimits(limits, performance.now());
  return {
    name,
    type: settings.type,
    concurrency: limits.concurrency,
    deliver: async (message, context) => {
      const entered = enter(limitState, limits, performance.now());
      if ('kind' in entered) return entered;
      limitState = entered;
      // What a channel throws is a bug of ours; the place it held is given back all the same.
      let outcome: Outcome = { kind: 'retry', reason: 'the attempt broke' };
      try {
        outcome = await channel.deliver(message, context);
        return outcome;
      } finally {
        limitState = leave(limitState, outcome, performance.now());
      }
    },
    circuit: () => limitState.circuit.kind,
    close: channel.close,
  };
};
