/**
 * Which servers a session takes: the one that can be written to, or
 * any. After libpq's parameter `target_session_attrs`.
 */
export type SessionTarget = 'read-write' | 'any';

export interface PostgresTarget {
  /** One URL a server, in the order in which they are tried. */
  readonly urls: readonly string[];
  readonly session: SessionTarget;
}

const PARTS = /^(postgres(?:ql)?:\/\/(?:[^@/?#]*@)?)([^/?#]*)(.*)$/;
const PARAMETER = 'target_session_attrs';
const SESSIONS: Readonly<Record<string, SessionTarget>> = {
  'read-write': 'read-write',
  primary: 'read-write',
  any: 'any',
};

/**
 * A Postgres URL with one host or several (`postgres://user@a:5432,b:5432/db`,
 * as libpq takes it). Without `target_session_attrs` a session must be one
 * that can write: everything here writes. Undefined when it is no such URL.
 */
export const postgresTarget = (url: string): PostgresTarget | undefined => {
  const [, start, hosts = '', rest] = PARTS.exec(url) ?? [];
  if (start === undefined) return undefined;
  const urls: string[] = [];
  let session: SessionTarget = 'read-write';
  for (const host of hosts.split(',')) {
    if (!URL.canParse(`${start}${host}${rest}`)) return undefined;
    const one = new URL(`${start}${host}${rest}`);
    const wanted = one.searchParams.get(PARAMETER);
    const known = wanted === null ? 'read-write' : SESSIONS[wanted];
    if (known === undefined) return undefined;
    session = known;
    one.searchParams.delete(PARAMETER);
    urls.push(one.href);
  }
  return { urls, session };
};
