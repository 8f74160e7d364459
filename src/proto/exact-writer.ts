import protobuf from 'protobufjs/minimal.js';
import { wireTextOf } from './wire-text.ts';

/** Writes names of any bytes; Int64Reader reads them. */
export class ExactWriter extends protobuf.BufferWriter {
  override string(text: string): protobuf.Writer {
    return super.string(wireTextOf(text));
  }
}
