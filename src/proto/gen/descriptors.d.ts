// Made by scripts/build-proto.ts.
export interface DescribedFile {
  readonly name: string;
  readonly package: string;
  readonly services: readonly string[];
  /** A google.protobuf.FileDescriptorProto in base64. */
  readonly descriptor: string;
}
export const files: readonly DescribedFile[];
