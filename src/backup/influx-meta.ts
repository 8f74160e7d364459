/**
 * `meta/meta.db` of a single InfluxDB: its databases, policies, groups and users, as one protobuf message (src/proto/influxdb.proto).
 * What decodes has been checked, field by field.
 */
import { DbError, errorText, isDbError } from '../base/errors.ts';
import { metaMessage, type InfluxMeta } from '../meta/codec/meta-message.ts';

/** Throws `corrupt` with the path. */
export function decodeMeta(path: string, bytes: Uint8Array): InfluxMeta {
  try {
    return metaMessage.decode(bytes);
  } catch (error) {
    if (!isDbError(error)) throw error;
    const what = errorText(error).replace(/^message: /, '');
    throw new DbError('corrupt', `${path}: not the meta.db of an InfluxDB: ${what}`, { cause: error }); // prettier-ignore
  }
}

export function encodeMeta(meta: InfluxMeta): Uint8Array {
  return metaMessage.encode(meta);
}
