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

/** What a body brought. */
interface Form {
  readonly fields: ReadonlyMap<string, string>;
  /** A file `q` of several parts: the query where no parameter is. */
  readonly queryFile?: string | undefined;
}

const noForm: Form = { fields: new Map() };
/** The reference reads nothing of a longer one, and goes by the address alone; the files of a multipart body may be longer. */
const formBytesMax = 10 * MiB;

/**
 * The parameters of a request, as in the reference: those of a form in the body come before those of the address, those of
 * a multipart body behind.
 */
export class RequestParameters {
  readonly #url: ReadonlyMap<string, string>;
  readonly #form: Form;
  readonly #isFormFirst: boolean;

  private constructor(url: ReadonlyMap<string, string>, form: Form, isFormFirst = true) {
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
    const fields = parseForm(isForm ? body.toString('utf8') : '');
    return new RequestParameters(searchOf(request), { fields });
  }

  /** '' when absent. What is no UTF-8 is replaced, as the reference does in statements. */
  get(name: string): string {
    const { fields } = this.#form;
    const [first, second] = this.#isFormFirst ? [fields, this.#url] : [this.#url, fields];
    return (first.get(name) ?? second.get(name) ?? '').toWellFormed();
  }

  /** What a body brought. */
  get form(): ReadonlyMap<string, string> {
    return this.#form.fields;
  }

  get queryFile(): string | undefined {
    return this.#form.queryFile;
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
 * The fields of a multipart body, and its file `q`: other files are no parameters. The body's own limit
 * holds for all of them. As in the reference nothing of a body counts that is broken anywhere.
 */
function readMultipart(body: Buffer, type: string): Promise<Form> {
  const fields = new Map<string, string>();
  let queryFile: string | undefined;
  return new Promise((resolve) => {
    const keep = (name: string, value: string): void => {
      if (name !== '' && !fields.has(name)) fields.set(name, value);
    };
    const fail = (): void => {
      resolve(noForm);
    };
    let reader: BusboyInstance;
    try {
      const limits = { fieldSize: body.length, fileSize: body.length };
      // By its name alone a part is a file, whatever type it has.
      const isPartAFile = (_name: string | undefined, _type: string | undefined, fileName: string | undefined) => fileName !== undefined && fileName !== ''; // prettier-ignore
      reader = new Busboy({ headers: { 'content-type': type }, limits, isPartAFile });
    } catch {
      // No boundary, for one: there is nothing to read.
      fail();
      return;
    }
    reader.on('field', keep);
    reader.on('file', (name, stream) => {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('error', fail);
      stream.on('end', () => {
        if (name === 'q') queryFile ??= Buffer.concat(parts).toString('utf8');
      });
    });
    reader.on('finish', () => {
      resolve({ fields, queryFile });
    });
    reader.on('error', fail);
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
