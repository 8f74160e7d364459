import { quoteGo } from '../../../base/go-format.ts';
import { DbError } from '../../../base/errors.ts';
import { millisecondNs } from '../../../base/units.ts';
import { precisionNs } from '../../../models/line-protocol.ts';
import { parseBucketName } from '../../v2/bucket-name.ts';

/** Where a write goes, by its address. */
export interface WriteTarget {
  readonly database: string;
  /** '' for the database's default. */
  readonly retentionPolicy: string;
  /** Of the timestamps. */
  readonly stepNs: bigint;
}

type Parameters = { get(name: string): string };

/** Throws what the reference says of parameters that are none: `invalid_argument`, `not_found` for a bucket. */
export type TargetOf = (parameters: Parameters) => WriteTarget;

const v2Steps: ReadonlyMap<string, string> = new Map([
  ['', 'ns'],
  ['ns', 'ns'],
  ['us', 'u'],
  ['ms', 'ms'],
  ['s', 's'],
]);

export const prometheusPath = '/api/v1/prom/write';
export const prometheusReadPath = '/api/v1/prom/read';

/** The addresses that points are written to (spec 4.2 to 4.4). */
export const writeTargets: ReadonlyMap<string, TargetOf> = new Map([
  ['/write', target],
  ['/api/v2/write', targetOfBucket],
  [prometheusPath, targetOfPrometheus],
]);

function target(parameters: Parameters): WriteTarget {
  const precision = parameters.get('precision');
  const stepNs = precisionNs.get(precision === '' ? 'ns' : precision);
  if (stepNs === undefined)
    throw invalid(`invalid precision ${quoteGo(precision)} (use n, u, ms, s, m or h)`);
  return { database: parameters.get('db'), retentionPolicy: parameters.get('rp'), stepNs };
}

function targetOfBucket(parameters: Parameters): WriteTarget {
  const precision = parameters.get('precision');
  const stepNs = precisionNs.get(v2Steps.get(precision) ?? '');
  if (stepNs === undefined)
    throw invalid(`invalid precision ${quoteGo(precision)} (use ns, us, ms or s)`);
  try {
    return { ...parseBucketName(parameters.get('bucket')), stepNs };
  } catch (error) {
    throw new DbError('not_found', (error as DbError).message);
  }
}

function targetOfPrometheus(parameters: Parameters): WriteTarget {
  const [database, retentionPolicy] = [parameters.get('db'), parameters.get('rp')];
  return { database, retentionPolicy, stepNs: millisecondNs };
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}
