import type { Buffer } from 'node:buffer';
import type { AnswerDocument } from '../../../query/emit/answer-piece.ts';
import { CsvDocument, writeCsvError } from '../../../query/emit/csv-writer.ts';
import { indentJson } from '../../../query/emit/json-indent.ts';
import { JsonDocument } from '../../../query/emit/json-writer.ts';
import { PackDocument, writeMessagePackError } from '../../../query/emit/msgpack-writer.ts';
import { writeJsonError } from '../../error-reply.ts';
import { acceptedType, type AnswerType } from './accepted-type.ts';

export interface AnswerFormat {
  readonly contentType: AnswerType;
  /** How times are written where it is JSON as it is, without indentation; else undefined. */
  readonly plainJson: { readonly epochUnitNs: bigint | undefined } | undefined;
  /** Whether what was written can leave before the answer has ended. */
  readonly isStreamed: boolean;
  /** What writes the documents of one answer, one after the other. */
  open(): AnswerDocument;
  /** Of a request that failed before any statement ran. */
  writeError(text: string): Buffer;
}

/** JSON, or CSV or MessagePack when asked for (spec 4.1). `epochUnitNs` undefined is what a format writes of itself. */
export function answerFormat(
  accept: string,
  options: {
    readonly epochUnitNs: bigint | undefined;
    readonly isRfc3339?: boolean;
    readonly pretty: boolean;
  },
): AnswerFormat {
  const { epochUnitNs: unitNs, isRfc3339 = false, pretty } = options;
  const epochUnitNs = isRfc3339 ? undefined : unitNs;
  const contentType = acceptedType(accept);
  if (contentType === 'application/x-msgpack') {
    const open = () => new PackDocument(isRfc3339 ? 'rfc3339' : epochUnitNs);
    return {
      contentType,
      plainJson: undefined,
      isStreamed: false,
      open,
      writeError: writeMessagePackError,
    };
  }
  if (contentType !== 'application/json') {
    const open = () => new CsvDocument(isRfc3339 ? 'rfc3339' : (epochUnitNs ?? 1n));
    return { contentType, plainJson: undefined, isStreamed: true, open, writeError: writeCsvError };
  }
  return {
    contentType,
    plainJson: pretty ? undefined : { epochUnitNs },
    isStreamed: true,
    open: () => new JsonDocument({ epochUnitNs, pretty }),
    writeError: (text) => (pretty ? indentJson(writeJsonError(text)) : writeJsonError(text)),
  };
}
