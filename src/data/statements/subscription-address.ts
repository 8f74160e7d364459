/**
 * Where a new subscription sends to, as the reference's `url.Parse` takes it: a password with a bare `%` would be refused with each write
 * otherwise, and nobody told but the log. What is in the catalog was looked at by less (meta/model/subscription-url.ts), which
 * all replicas of all releases have to do alike.
 */
import { DbError } from '../../base/errors.ts';

const parts = /^[^:]*:\/\/(?:([^/]*)@)?(\[[^\]]*\]|[^:/]*):\d+(\/.*)?$/s;
const userText = /^(?:[\w\-.:~!$&'()*+,;=@]|%[\da-f]{2})*$/i;
const hostText = /^(?:[\w\-.~!$&'()*+,;=[\]<>"]|[^\0-\x7f]|%25|%[89a-f][\da-f])*$/i;
const badEscape = /%(?![\da-f]{2})/i;
/** Before the name of an interface. */
const zoneMark = '%25';

/** Throws the reference's text. One that has not even the form of such an address is left to the catalog. */
export function checkSubscriptionAddress(url: string): void {
  const [rest = '', ...fragments] = url.split('#');
  const [place = ''] = rest.split('?');
  const [whole, user = '', host = '', path = ''] = parts.exec(place) ?? [];
  if (whole === undefined) return;
  const isGood =
    userText.test(user) &&
    (host.startsWith('[') ? isAddress(host.slice(1, -1)) : hostText.test(host)) &&
    !badEscape.test(path) &&
    !badEscape.test(fragments.join('#'));
  if (!isGood) throw new DbError('invalid_argument', `invalid subscription URL: ${url}`);
}

/** Of IPv6, and perhaps the name of an interface. */
function isAddress(text: string): boolean {
  const at = text.indexOf(zoneMark);
  const zone = at < 0 ? 'none' : text.slice(at + zoneMark.length);
  const address = at < 0 ? text : text.slice(0, at);
  return zone !== '' && !badEscape.test(zone) && URL.canParse(`http://[${address}]`);
}
