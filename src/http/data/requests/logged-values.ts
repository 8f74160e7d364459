/** Addresses and forms as the access log shows them: without passwords, as the reference writes them (spec F114). */
import { shownAddress } from '../../../base/shown-address.ts';
import { pathOf, RequestParameters, type AddressedRequest } from './request-parameters.ts';
import { namesPassword, withoutPasswords } from './without-passwords.ts';

export interface ShownRequest extends AddressedRequest {
  readonly form?: ReadonlyMap<string, string> | undefined;
}

const hidden = '[REDACTED]';

/** Of an address with a password, and of a query, Go writes the parameters anew, in the order of their names. */
export function loggedAddress(request: ShownRequest): string {
  const { url } = request;
  const path = pathOf(request);
  if (path.length === url.length) return url;
  const parameters = RequestParameters.ofUrl(request);
  const hasPassword = parameters.getOfUrl('p') !== '';
  if (!hasPassword && path !== '/query') return url;
  const binds = bindsPassword(request);
  const pairs = [...(request.urlParameters ?? new Map<string, string>())]
    .map(([name, value]) => `${goEscape(name)}=${goEscape(shown(name, value, binds))}`)
    .sort();
  return `${path}?${pairs.join('&')}`;
}

/** `{'q': 'SHOW DATABASES'}, {'db': 'd'}` */
export function loggedForm(request: ShownRequest): string {
  if (request.form === undefined) return '';
  const binds = bindsPassword(request);
  return [...request.form]
    .map(([name, value]) => `{'${oneLine(name)}': '${oneLine(shown(name, value, binds))}'}`)
    .join(', ');
}

/** Whether the statements may take a password from `params`. */
function bindsPassword({ form, urlParameters }: ShownRequest): boolean {
  return [form, urlParameters].some((given) => namesPassword(given?.get('q') ?? ''));
}

function shown(name: string, value: string, bindsPasswords: boolean): string {
  const isHidden = name === 'p' || name === 'P' || (name === 'params' && bindsPasswords);
  if (isHidden) return value === '' ? '' : hidden;
  if (name === 'params') return shownAddress(value);
  return name === 'q' ? withoutPasswords(value) : value;
}

/** A client must not begin lines of its own. */
export function oneLine(text: string): string {
  return text.replaceAll('\n', String.raw`\n`).replaceAll('\r', String.raw`\r`);
}

const loneSurrogate = /\p{Surrogate}/gu;

/** As url.QueryEscape of Go. */
function goEscape(text: string): string {
  return encodeURIComponent(text.replaceAll(loneSurrogate, '\ufffd'))
    .replaceAll('%20', '+')
    .replaceAll(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}
