import { Buffer } from 'node:buffer';
import { exactTextIn } from '../../base/exact-text.ts';
import { RequestParameters, type AddressedRequest } from '../data/requests/request-parameters.ts';

/** How a request says who makes it (spec F88). */
export type Credentials =
  | { readonly kind: 'password'; readonly name: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string };

/** A request as far as it says who makes it. */
export interface SignedRequest extends AddressedRequest {
  readonly headers: { readonly authorization?: string | undefined };
}

/**
 * In the order of the reference (spec 4.0): `u` and `p` of the address, if neither is empty, then the header `Authorization`:
 * `Bearer` with a JWT, `Token user:password`, `Basic`. A form in the body says nothing. Undefined where there are none. Bytes
 * that are no UTF-8 are kept as they are: were they all replaced by one character, one password would be as good as another.
 */
export function credentialsOf(request: SignedRequest): Credentials | undefined {
  const parameters = RequestParameters.ofUrl(request);
  const [name, password] = [parameters.getOfUrl('u'), parameters.getOfUrl('p')];
  if (name !== '' && password !== '') return { kind: 'password', name, password };
  const { authorization = '' } = request.headers;
  const [scheme, value, ...more] = authorization.split(' ', 3);
  if (value !== undefined && more.length === 0) {
    if (scheme === 'Bearer') return { kind: 'bearer', token: value };
    const named =
      scheme === 'Token' ? nameAndPassword(exactTextIn(Buffer.from(value, 'latin1'))) : undefined;
    if (named !== undefined) return named;
  }
  return ofBasic(authorization);
}

/** Who `Basic` names, '' for nobody: the access log shows it, be the password right or not. */
export function claimedName(request: SignedRequest): string {
  const named = RequestParameters.ofUrl(request).getOfUrl('u');
  return named === '' ? (ofBasic(request.headers.authorization ?? '')?.name ?? '') : named;
}

const basicPrefix = 'basic ';
/** As Go takes it: with its padding, and nothing else. */
const base64Text = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function ofBasic(header: string): (Credentials & { readonly kind: 'password' }) | undefined {
  if (header.slice(0, basicPrefix.length).toLowerCase() !== basicPrefix) return undefined;
  const encoded = header.slice(basicPrefix.length);
  if (!base64Text.test(encoded)) return undefined;
  return nameAndPassword(exactTextIn(Buffer.from(encoded, 'base64')));
}

function nameAndPassword(text: string): (Credentials & { readonly kind: 'password' }) | undefined {
  const at = text.indexOf(':');
  if (at < 0) return undefined;
  return { kind: 'password', name: text.slice(0, at), password: text.slice(at + 1) };
}
