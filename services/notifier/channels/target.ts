import { isIP } from 'node:net';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';
import { isReachable, normalHost } from './address-guard.ts';
import type { AllowList } from './address-guard.ts';

/**
 * A URL that a notification may be sent to. Names are checked again when they are resolved; an address that stands in
 * the URL itself is not resolved, so it is checked here. Issues never show the URL: Slack's is a secret as a whole.
 */
export const checkUrl = (text: string, allow: AllowList): Parsed<URL> => {
  if (!URL.canParse(text)) return unparsed('is not a URL');
  const url = new URL(text);
  const host = normalHost(url.hostname);
  const isAddress = isIP(host) !== 0;
  const isNamed =
    allow.hosts.has(host) || (isAddress && allow.networks.check(host, isIP(host) === 4 ? 'ipv4' : 'ipv6'));
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isNamed))
    return unparsed('must begin with https:// (http:// only for hosts that `allow` names)');
  if (url.username !== '' || url.password !== '') return unparsed('must have no user and password in it');
  if (isAddress && !isNamed && !isReachable(host, allow))
    return unparsed(`is the internal address ${host}; name it in \`allow\` if that is meant`);
  return parsed(url);
};
