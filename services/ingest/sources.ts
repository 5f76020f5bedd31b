import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';
import type { SourcesConfig } from './settings.ts';

/** Where Razorpay's webhooks come from, as it publishes it (docs/exposing.md "Razorpay's addresses"). */
export const RAZORPAY_SOURCES = [
  '52.66.75.174',
  '52.66.76.63',
  '52.66.151.218',
  '35.154.217.40',
  '35.154.22.73',
  '35.154.143.15',
  '13.126.199.247',
  '13.126.238.192',
  '13.232.194.134',
  '18.96.225.0/26',
  '18.99.161.0/26',
] as const;
/** The word that stands for them in DAKIA_SOURCES_ALLOWED. */
const RAZORPAY = 'razorpay';

/** Refusals of an address are counted together for this long, in ms. */
const WINDOW_MS = 60_000;
/** Addresses that are counted at once; the one that began first gives way. */
const ADDRESSES_MAX = 10_000;

/** Judges a request by the address that it comes from, before anything else of it is looked at. */
export interface Sources {
  readonly refuses: (request: IncomingMessage) => 'source-not-allowed' | 'source-refused-often' | undefined;
  /** A request of this sender was refused, for whatever reason. */
  readonly refused: (request: IncomingMessage) => void;
}

/** What is wrong with the lists of addresses, in words for a person. */
export const sourcesIssues = (config: SourcesConfig): readonly string[] => {
  const read = [
    readAddresses('DAKIA_TRUSTED_PROXIES', config.trustedProxies),
    readAddresses('DAKIA_SOURCES_ALLOWED', config.sourcesAllowed),
  ];
  return read.flatMap((each) => (each.ok ? [] : each.issues));
};

/** Throws what `sourcesIssues` reports. `clock` in ms. */
export const createSources = (config: SourcesConfig, clock: () => number): Sources => {
  const proxies = addressesOf('DAKIA_TRUSTED_PROXIES', config.trustedProxies);
  const allowed = addressesOf('DAKIA_SOURCES_ALLOWED', config.sourcesAllowed);
  const most = config.sourceRefusalsMax;
  const refusals = createCounts(clock);
  const sourceOf = (request: IncomingMessage): string =>
    sourceBehind(proxies, config.forwardedHeader, plain(request.socket.remoteAddress ?? ''), request.headers);
  return {
    refuses: (request) => {
      if (allowed === undefined && most === 0) return undefined;
      const source = sourceOf(request);
      if (allowed !== undefined && !isIn(allowed, source)) return 'source-not-allowed';
      return most > 0 && refusals.of(networkOf(source)) >= most ? 'source-refused-often' : undefined;
    },
    refused: (request) => {
      if (most > 0) refusals.add(networkOf(sourceOf(request)));
    },
  };
};

/**
 * The address that a chain of trusted hops vouches for: each hop adds the address that
 * it was called from at the right end, so they are read from there, and the first that
 * is no trusted hop is the source. What stands left of it anybody may have written.
 */
const sourceBehind = (
  proxies: BlockList | undefined,
  header: SourcesConfig['forwardedHeader'],
  peer: string,
  headers: IncomingMessage['headers'],
): string => {
  if (proxies === undefined || !isIn(proxies, peer)) return peer;
  const text = headers[header];
  const hops = (Array.isArray(text) ? text.join(',') : (text ?? '')).split(',');
  let source = peer;
  for (const hop of hops.toReversed()) {
    const address = header === 'forwarded' ? forOf(hop) : withoutPort(hop.trim());
    if (isIP(address) === 0) return source;
    source = plain(address);
    if (!isIn(proxies, source)) return source;
  }
  return source;
};

/** Of one element of a Forwarded header (RFC 7239): `for=192.0.2.60;proto=http`, `for="[2001:db8::1]:4711"`. */
const forOf = (element: string): string => {
  const [, quoted, token] = /(?:^|;)\s*for=(?:"([^"]*)"|([^;\s]*))/i.exec(element.trim()) ?? [];
  return withoutPort(quoted ?? token ?? '');
};

const withoutPort = (text: string): string => {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1];
  return bracketed ?? text.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1');
};

/** An IPv4 address that came over an IPv6 socket, as itself. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

/** One host has 2^64 IPv6 addresses at least: those count together. */
const networkOf = (address: string): string => {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length);
  return [...groups, ...Array<string>(missing).fill('0'), ...after].slice(0, 4).join(':');
};

const isIn = (list: BlockList, address: string): boolean => {
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4');
};

const addressesOf = (setting: string, text: string | undefined): BlockList | undefined => {
  const read = readAddresses(setting, text);
  if (!read.ok) throw new Error(read.issues.join('; '));
  return read.value;
};

/** Addresses and networks, separated by commas; undefined where none are given. */
const readAddresses = (setting: string, text: string | undefined): Parsed<BlockList | undefined> => {
  if (text === undefined) return parsed(undefined);
  const list = new BlockList();
  const items = text.split(',').flatMap((item) => (item.trim() === RAZORPAY ? RAZORPAY_SOURCES : [item.trim()]));
  for (const item of items.filter((each) => each !== '')) {
    const [address = '', bits] = item.split('/');
    const version = isIP(address);
    const most = version === 6 ? 128 : 32;
    if (version === 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most)))
      return unparsed(
        `${setting}: ${JSON.stringify(item)} is no IP address or network; write 192.0.2.1 or 192.0.2.0/24`,
      );
    list.addSubnet(address, Number(bits ?? most), version === 6 ? 'ipv6' : 'ipv4');
  }
  return list.rules.length === 0
    ? unparsed(`${setting}: holds no address; write addresses and networks, separated by commas`)
    : parsed(list);
};

/** Counts by name within a window each, for a bounded number of names. */
const createCounts = (clock: () => number) => {
  const counts = new Map<string, { count: number; readonly until: number }>();
  const current = (name: string) => {
    const found = counts.get(name);
    if (found !== undefined && found.until <= clock()) counts.delete(name);
    return counts.get(name);
  };
  return {
    of: (name: string): number => current(name)?.count ?? 0,
    add: (name: string): void => {
      const found = current(name);
      if (found !== undefined) {
        found.count += 1;
        return;
      }
      const [first] = counts.keys();
      if (counts.size >= ADDRESSES_MAX && first !== undefined) counts.delete(first);
      counts.set(name, { count: 1, until: clock() + WINDOW_MS });
    },
  };
};
