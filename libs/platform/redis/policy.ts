import type { Redis } from './client.ts';

/** The setting's value, or nothing where CONFIG is forbidden, as on many managed servers. */
const configOf = async (client: Redis, name: string): Promise<string | undefined> => {
  try {
    const answer: unknown = await client.config('GET', name);
    const value: unknown = Array.isArray(answer) ? answer[1] : undefined;
    return typeof value === 'string' ? value : undefined;
  } catch (error) {
    // An error of the server's is a refusal; anything else is a connection that was lost.
    if (error instanceof Error && error.name === 'ReplyError') return undefined;
    throw error;
  }
};

const infoOf = async (client: Redis): Promise<(name: string) => string | undefined> => {
  const text = `${await client.info('memory')}\n${await client.info('persistence')}`;
  return (name) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(text)?.[1];
};

/**
 * What is wrong with how this Redis keeps its data, each with the setting to change;
 * empty when nothing is. Costs time and not data when it is wrong: jobs that are
 * lost are made again from Postgres, but only as often as that is looked at.
 */
export const redisPolicyWarnings = async (client: Redis): Promise<readonly string[]> => {
  const [policy, appendOnly, save] = [
    await configOf(client, 'maxmemory-policy'),
    await configOf(client, 'appendonly'),
    await configOf(client, 'save'),
  ];
  const info = await infoOf(client);

  const evicts = policy ?? info('maxmemory_policy');
  const warnings =
    evicts === undefined || evicts === 'noeviction'
      ? []
      : [`it throws keys away when memory is short (maxmemory-policy ${evicts}): set maxmemory-policy to noeviction`];

  const appends = appendOnly === undefined ? info('aof_enabled') === '1' : appendOnly === 'yes';
  // Without CONFIG only what has been written tells of snapshots.
  const snapshots = save === undefined ? Number(info('rdb_saves') ?? 0) > 0 : save !== '';
  return appends || snapshots
    ? warnings
    : [...warnings, 'it forgets all jobs when it restarts: set appendonly to yes, or save to an interval'];
};
