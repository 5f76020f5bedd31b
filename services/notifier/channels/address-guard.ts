import dns from 'node:dns';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';

/** Hosts and networks that may be reached although they are internal. */
export interface AllowList {
  readonly hosts: ReadonlySet<string>;
  readonly networks: BlockList;
}

/**
 * Addresses that are not on the public internet (IANA special-purpose registries, RFC 6890): this host,
 * private networks, carrier NAT, link-local with the clouds' metadata service, documentation, benchmarks,
 * multicast, reserved; and the IPv6 forms that wrap an IPv4 address, which would be a way around
 * (::ffff:0:0:0/96 is that of RFC 2765). Mapped addresses (::ffff:0:0/96) are checked by BlockList as
 * IPv4. Some clouds serve metadata, with credentials, at addresses that are public by number.
 */
const INTERNAL_NETWORKS = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/96',
  '::ffff:0:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
  // Azure's WireServer, Alibaba Cloud and Oracle Cloud.
  '168.63.129.16/32',
  '100.100.100.200/32',
  '192.0.0.192/32',
] as const;

const addNetwork = (list: BlockList, network: string): boolean => {
  const [address = '', prefix, ...rest] = network.split('/');
  const family = isIP(address);
  const bits = family === 4 ? 32 : 128;
  const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : NaN;
  if (family === 0 || address.includes('%') || rest.length > 0 || !(length <= bits)) return false;
  list.addSubnet(address, length, family === 4 ? 'ipv4' : 'ipv6');
  return true;
};

const internal = new BlockList();
for (const network of INTERNAL_NETWORKS) addNetwork(internal, network);

const HOST = /^(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*$/;
export const normalHost = (host: string): string =>
  host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');

/** Reads host names, addresses and networks (`orders.internal`, `10.1.2.3`, `10.0.0.0/8`). */
export const parseAllowList = (entries: readonly string[]): Parsed<AllowList> => {
  const [hosts, networks] = [new Set<string>(), new BlockList()];
  const issues: string[] = [];
  for (const entry of entries) {
    if (addNetwork(networks, entry)) continue;
    const host = normalHost(entry);
    if (HOST.test(host) && !/^[\d.]+$/.test(host)) hosts.add(host);
    else issues.push(`"${entry}" is neither a host, an address nor a network such as 10.0.0.0/8`);
  }
  return issues.length > 0 ? unparsed(...issues) : parsed({ hosts, networks });
};

/** Whether an IP address may be connected to: it is public, or in an allowed network. */
export const isReachable = (address: string, { networks }: AllowList): boolean => {
  const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
  return networks.check(address, family) || !internal.check(address, family);
};

/** A host resolved to nothing that may be connected to. */
export class RefusedAddress extends Error {
  override readonly name = 'RefusedAddress';
}

/**
 * `lookup` of a connection: the addresses that are checked are the ones that are connected to, so a name that resolves
 * differently the second time gains nothing.
 */
export const guardedLookup =
  (allow: AllowList): LookupFunction =>
  (host, options, callback) => {
    dns.lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const usable = allow.hosts.has(normalHost(host))
        ? addresses
        : addresses.filter(({ address }) => isReachable(address, allow));
      const [first] = usable;
      if (first === undefined)
        return callback(
          new RefusedAddress(
            `${host} is the internal address ${addresses.map(({ address }) => address).join(', ')}; allow it by ` +
              'name or network if that is meant',
          ),
          [],
        );
      return options.all === true ? callback(null, usable) : callback(null, first.address, first.family);
    });
  };
