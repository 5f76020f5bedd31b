import { QUARANTINE_TOPIC } from '#catalogue';
import { registeredSchemaId, UNKNOWN_SCHEMA_ID } from '#envelope';
import type { Logger } from '#platform/log';
import type { Component } from '#platform/service';

/** How often the registry is asked again until it knows the schema, in ms. */
const ASK_AGAIN_MS = 15_000;

export interface SchemaIdLookup extends Component {
  /** UNKNOWN_SCHEMA_ID until the registry has answered: nothing waits for it, our own readers do not need it. */
  readonly current: () => number;
}

/**
 * Finds out under which id the registry holds the envelope's schema,
 * for readers of Confluent's tools. One schema has one id.
 */
export const createSchemaIdLookup = (options: {
  readonly registryUrl: string | undefined;
  readonly topicPrefix: string;
  readonly log: Logger;
  readonly askAgainMs?: number;
}): SchemaIdLookup => {
  const { registryUrl, topicPrefix, log, askAgainMs = ASK_AGAIN_MS } = options;
  let id = UNKNOWN_SCHEMA_ID;
  let timer: NodeJS.Timeout | undefined;
  let lastProblem: string | undefined;
  let isStopped = false;

  const problemOf = async (url: string): Promise<string | undefined> => {
    try {
      const found = await registeredSchemaId(url, `${topicPrefix}${QUARANTINE_TOPIC}`);
      if (found === undefined) return 'the schema is not registered; register it with `npx dakia schema register`';
      id = found;
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };

  const ask = async (url: string): Promise<void> => {
    const problem = await problemOf(url);
    if (problem !== undefined && problem !== lastProblem)
      log.warn({ problem }, 'records carry no schema id for now; Dakia itself reads them without');
    lastProblem = problem;
    if (problem !== undefined && !isStopped) timer = setTimeout(() => void ask(url), askAgainMs);
  };

  return {
    name: 'schema id',
    current: () => id,
    start: async () => {
      if (registryUrl !== undefined) void ask(registryUrl);
    },
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
};
