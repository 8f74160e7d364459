/**
 * Backups in a bucket of an object store that speaks S3. An object is there once its upload is complete: of one that breaks off
 * nothing is seen, and its parts are given up. What a store refuses for the moment (5xx) is asked for again, a read that breaks
 * off or falls silent goes on where it was, of the same object.
 *
 * Keys, region and endpoint are those of the environment, as for every tool of S3: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
 * AWS_REGION, AWS_ENDPOINT_URL_S3 and so on.
 */
import { Readable } from 'node:stream';
import { DeleteObjectCommand, GetObjectCommand, paginateListObjectsV2, PutObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3'; // prettier-ignore
import { Upload } from '@aws-sdk/lib-storage';
import { DbError, errorText, isDbError } from '../base/errors.ts';
import { MiB } from '../base/units.ts';
import type { BackupStore } from './backup-store.ts';

/** With the ten thousand parts that an object may have: 160 GB for one shard. */
const partBytesMin = 16 * MiB;
/** Of one object under way; each is in memory. */
const partsAtOnce = 2;
const idleMsDefault = 60_000;
/** Of one request that the store refuses for the moment, with growing pauses between. */
const attemptsMax = 5;
/** Of a read, one after the other; each that brings something begins anew. */
const breaksMax = 5;
/** What an endpoint of one's own need not have: buckets as names of hosts. */
const endpointVariables = ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'] as const;
const regionVariables = ['AWS_REGION', 'AWS_DEFAULT_REGION'] as const;
const regionDefault = 'us-east-1';

export interface S3Options {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Bytes of a part, 16 MiB at least. */
  readonly bufferBytes: number;
  /** The longest silence of the store. */
  readonly idleMs?: number;
}

export class S3Store implements BackupStore {
  readonly place: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  /** '' or with a slash at its end. */
  readonly #prefix: string;
  readonly #partBytes: number;

  /** `place` is s3://bucket or s3://bucket/prefix. */
  constructor(place: string, { environment, bufferBytes, idleMs = idleMsDefault }: S3Options) {
    const [, bucket = '', prefix = ''] = /^s3:\/\/([^/]+)\/?(.*?)\/*$/.exec(place) ?? [];
    if (bucket === '') throw new DbError('invalid_argument', `${place}: expected s3://bucket/prefix`); // prettier-ignore
    this.place = place;
    this.#bucket = bucket;
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
    this.#partBytes = Math.max(partBytesMin, bufferBytes);
    const firstOf = (names: readonly string[]): string | undefined =>
      names.map((name) => environment[name]).find((value) => (value ?? '') !== '');
    const endpoint = firstOf(endpointVariables);
    this.#client = new S3Client({
      region: firstOf(regionVariables) ?? regionDefault,
      ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
      maxAttempts: attemptsMax,
      requestHandler: { connectionTimeout: idleMs, socketTimeout: idleMs },
      // Archives have their own SHA-256; not every store knows the checksums that the client would add.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  }

  async list(): Promise<readonly string[]> {
    return this.#named('', async () => {
      const names: string[] = [];
      const pages = paginateListObjectsV2(
        { client: this.#client },
        { Bucket: this.#bucket, Prefix: this.#prefix, Delimiter: '/' },
      );
      for await (const { Contents: objects = [] } of pages)
        for (const { Key: key = '' } of objects) {
          const name = key.slice(this.#prefix.length);
          if (name !== '') names.push(name);
        }
      return names;
    });
  }

  async *read(name: string): AsyncGenerator<Uint8Array> {
    let [at, breakCount] = [0, 0];
    let etag: string | undefined;
    /** Undefined where the store does not say it: whether a read was whole its end tells then. */
    let wholeBytes: number | undefined;
    for (let isWhole = false; !isWhole;) {
      const rest = at === 0 ? {} : { Range: `bytes=${at}-`, IfMatch: etag };
      const object = await this.#named(name, () =>
        this.#client.send(new GetObjectCommand({ ...this.#key(name), ...rest })),
      );
      if (at > 0 && object.ContentRange?.startsWith(`bytes ${at}-`) !== true)
        throw this.#error(name, 'the store does not read on from where it broke off');
      if (at === 0) [wholeBytes, etag] = [object.ContentLength, object.ETag];
      try {
        for await (const piece of (object.Body ?? []) as AsyncIterable<Uint8Array>) {
          at += piece.length;
          breakCount = 0;
          yield piece;
        }
        if (at < (wholeBytes ?? 0)) throw new DbError('unavailable', 'it broke off');
        isWhole = true;
      } catch (error) {
        if (++breakCount > breaksMax) throw this.#error(name, error);
        // The end of its connection was all that was lost.
        isWhole = at === wholeBytes;
      }
    }
  }

  async create(name: string, bytes: Uint8Array): Promise<boolean> {
    const object = { ...this.#key(name), Body: bytes };
    return this.#named(name, async () => {
      try {
        await this.#client.send(new PutObjectCommand({ ...object, IfNoneMatch: '*' }));
      } catch (error) {
        if (!(error instanceof S3ServiceException)) throw error;
        const status = error.$metadata.httpStatusCode;
        if (status === 409 || status === 412) return false;
        // A store that has no such condition; others in the same second are not told from this one then.
        if (status !== 501) throw error;
        await this.#client.send(new PutObjectCommand(object));
      }
      return true;
    });
  }

  async write(name: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const failures: unknown[] = [];
    // What makes the pieces fail is what is told, and not that the upload did.
    const watched = (async function* () {
      try {
        yield* pieces;
      } catch (error) {
        failures.push(error);
        throw error;
      }
    })();
    const upload = new Upload({
      client: this.#client,
      params: { ...this.#key(name), Body: Readable.from(watched) },
      partSize: this.#partBytes,
      queueSize: partsAtOnce,
    });
    try {
      await upload.done();
    } catch (error) {
      throw isDbError(failures[0]) ? failures[0] : this.#error(name, failures[0] ?? error);
    }
  }

  /** Parts of an upload that was killed end by a rule of the bucket (docs/operating/backup.md): who may list them may not be us. */
  removeLeftovers(): Promise<void> {
    return Promise.resolve();
  }

  async remove(name: string): Promise<void> {
    await this.#named(name, () => this.#client.send(new DeleteObjectCommand(this.#key(name))));
  }

  #key(name: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: `${this.#prefix}${name}` };
  }

  async #named<T>(name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#error(name, error);
    }
  }

  #error(name: string, error: unknown): DbError {
    const at = `s3://${this.#bucket}/${this.#prefix}${name}`;
    const isGone = error instanceof S3ServiceException && error.name === 'NoSuchKey';
    return new DbError(isGone ? 'not_found' : 'unavailable', `${at}: ${errorText(error)}`, { cause: error }); // prettier-ignore
  }
}
