/** Addresses and forms as the access log shows them: without passwords, as the reference writes them (spec F114). */
import { pathOf, RequestParameters, type AddressedRequest } from './request-parameters.ts';

const hidden = '[REDACTED]';

/** Of an address with a password, and of a query, Go writes the parameters anew, in the order of their names. */
export function loggedAddress(request: AddressedRequest): string {
  const { url } = request;
  const path = pathOf(request);
  if (path.length === url.length) return url;
  const parameters = RequestParameters.ofUrl(request);
  const hasPassword = parameters.getOfUrl('p') !== '';
  if (!hasPassword && path !== '/query') return url;
  const pairs = [...(request.urlParameters ?? new Map<string, string>())]
    .map(([name, value]) => `${goEscape(name)}=${goEscape(shown(name, value))}`)
    .sort();
  return `${path}?${pairs.join('&')}`;
}

/** `{'q': 'SHOW DATABASES'}, {'db': 'd'}` */
export function loggedForm(form: ReadonlyMap<string, string> | undefined): string {
  if (form === undefined) return '';
  return [...form]
    .map(([name, value]) => `{'${oneLine(name)}': '${oneLine(shown(name, value))}'}`)
    .join(', ');
}

function shown(name: string, value: string): string {
  if (name === 'p' || name === 'P') return value === '' ? '' : hidden;
  return name === 'q' ? withoutPasswords(value) : value;
}

/** A client must not begin lines of its own. */
function oneLine(text: string): string {
  return text.replaceAll('\n', String.raw`\n`).replaceAll('\r', String.raw`\r`);
}

const setPassword = /(password\s+for[^=]*=\s+)("[^"]*"|'(?:[^'\\]|\\.)*'|[^\s"]+["']?)/gi;
const createPassword = /(with\s+password\s+)("[^"]*"|'(?:[^'\\]|\\.)*'|[^\s"]+["']?)/gi;

/** Of statements that set one, also where they are not quite right. */
export function withoutPasswords(statements: string): string {
  if (!/password/i.test(statements)) return statements;
  return statements
    .replaceAll(setPassword, `$1${hidden}`)
    .replaceAll(createPassword, `$1${hidden}`);
}

const loneSurrogate = /\p{Surrogate}/gu;

/** As url.QueryEscape of Go. */
function goEscape(text: string): string {
  return encodeURIComponent(text.replaceAll(loneSurrogate, '\ufffd'))
    .replaceAll('%20', '+')
    .replaceAll(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}
