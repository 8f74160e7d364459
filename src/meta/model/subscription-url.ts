import { DbError } from '../../base/errors.ts';

/** udp, http or https, a host and a port: anything may follow. The same on every replica, so by no library's rules. */
const pattern =
  /^(?:udp|http|https):\/\/(?:[^/?#@]*@)?(?:\[[^\]/?#]*\]|[^:/?#[\]]*):\d+(?:[/?#]|$)/i;

/** Throws the reference's text for what cannot be sent to (spec 3.6). */
export function checkSubscriptionUrl(url: string): void {
  if (!pattern.test(url) || /[\s\p{Cc}]/u.test(url))
    throw new DbError('invalid_argument', `invalid subscription URL: ${url}`);
}
