import { Buffer } from 'node:buffer';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import type { FastifyRequest } from 'fastify';
import { MiB } from '../../../base/units.ts';
import { parseForm } from './form-values.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined until somebody asks. */
    urlParameters: ReadonlyMap<string, string> | undefined;
    /** What its body brought, once it was read as a form. */
    form: ReadonlyMap<string, string> | undefined;
  }
}

/** What is asked of an address, whoever has read the request. */
export interface AddressedRequest {
  readonly url: string;
  urlParameters: ReadonlyMap<string, string> | undefined;
}

const noForm: ReadonlyMap<string, string> = new Map();
/** The reference reads nothing of a longer one, and goes by the address alone; the files of a multipart body may be longer. */
const formBytesMax = 10 * MiB;

/**
 * The parameters of a request, as in the reference: those of a form in the body come before those of the address, those of
 * a multipart body behind.
 */
export class RequestParameters {
  readonly #url: ReadonlyMap<string, string>;
  readonly #form: ReadonlyMap<string, string>;
  readonly #isFormFirst: boolean;

  private constructor(
    url: ReadonlyMap<string, string>,
    form: ReadonlyMap<string, string>,
    isFormFirst = true,
  ) {
    this.#url = url;
    this.#form = form;
    this.#isFormFirst = isFormFirst;
  }

  static ofUrl(request: AddressedRequest): RequestParameters {
    return new RequestParameters(searchOf(request), noForm);
  }

  /** Reads a form, or a multipart body whose file `q` is the query. */
  static async ofRequest(request: FastifyRequest): Promise<RequestParameters> {
    const url = searchOf(request);
    const type = request.headers['content-type'] ?? '';
    const { body } = request;
    if (!Buffer.isBuffer(body)) return new RequestParameters(url, noForm);
    const parameters = RequestParameters.ofBody(request, body, type);
    const read = parameters ?? new RequestParameters(url, await readMultipart(body, type), false);
    request.form = read.form;
    return read;
  }

  /** Of a request that came with this body; undefined where that has several parts, which take longer to read. */
  static ofBody(
    request: AddressedRequest,
    body: Buffer,
    contentType: string,
  ): RequestParameters | undefined {
    const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase();
    if (body.length > 0 && mediaType === 'multipart/form-data') return undefined;
    const isForm = mediaType === 'application/x-www-form-urlencoded' && body.length <= formBytesMax;
    return new RequestParameters(searchOf(request), parseForm(isForm ? body.toString('utf8') : ''));
  }

  /** '' when absent. What is no UTF-8 is replaced, as the reference does in statements. */
  get(name: string): string {
    const [first, second] = this.#isFormFirst ? [this.#form, this.#url] : [this.#url, this.#form];
    return (first.get(name) ?? second.get(name) ?? '').toWellFormed();
  }

  /** What a body brought. */
  get form(): ReadonlyMap<string, string> {
    return this.#form;
  }

  /** Its bytes as they came, UTF-8 or not. */
  getOfUrl(name: string): string {
    return this.#url.get(name) ?? '';
  }
}

/** Read once: a write looks at them before its body comes, and behind it. */
function searchOf(request: AddressedRequest): ReadonlyMap<string, string> {
  const at = request.url.indexOf('?');
  request.urlParameters ??= parseForm(at < 0 ? '' : request.url.slice(at + 1));
  return request.urlParameters;
}

/**
 * Fields and files of a multipart body alike, by name. The body's own limit holds for all of them. What is broken ends them,
 * as in the reference: what was read before counts.
 */
function readMultipart(body: Buffer, type: string): Promise<ReadonlyMap<string, string>> {
  const form = new Map<string, string>();
  return new Promise((resolve) => {
    const keep = (name: string, value: string): void => {
      if (!form.has(name)) form.set(name, value);
    };
    const end = (): void => {
      resolve(form);
    };
    let reader: BusboyInstance;
    try {
      const limits = { fieldSize: body.length, fileSize: body.length };
      reader = new Busboy({ headers: { 'content-type': type }, limits });
    } catch {
      // No boundary, for one: there is nothing to read.
      end();
      return;
    }
    reader.on('field', (name, value) => {
      keep(name, value);
    });
    reader.on('file', (name, file) => {
      const parts: Buffer[] = [];
      file.on('data', (part: Buffer) => parts.push(part));
      file.on('error', end);
      file.on('end', () => {
        keep(name, Buffer.concat(parts).toString('utf8'));
      });
    });
    reader.on('finish', end);
    reader.on('error', end);
    reader.end(body);
  });
}

/** The address of a request without its parameters. */
export function pathOf({ url }: Pick<AddressedRequest, 'url'>): string {
  const at = url.indexOf('?');
  const whole = at < 0 ? url : url.slice(0, at);
  // `http://host/write`, as clients ask proxies.
  return whole.startsWith('/') ? whole : whole.replace(/^[a-z][a-z\d+.-]*:\/\/[^/]*/i, '');
}
