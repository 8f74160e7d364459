/** Where backups are kept: a folder, or a prefix of a bucket. Names are those of files, without folders. */
export interface BackupStore {
  /** As the user gave it. */
  readonly place: string;
  list(): Promise<readonly string[]>;
  /** Throws `not_found`. */
  read(name: string): AsyncIterable<Uint8Array>;
  /**
   * All of it under its name, durable, or nothing: until it resolves nobody sees it. Pieces stay as they are until the next
   * one is asked for.
   */
  write(name: string, pieces: AsyncIterable<Uint8Array>): Promise<void>;
  /** A small file, durable; false where there is one by that name, whoever makes it at the same time. */
  create(name: string, bytes: Uint8Array): Promise<boolean>;
  /** What writes that were killed have left and nobody goes on with; nothing of it has ever had its name. */
  removeLeftovers(): Promise<void>;
  /** Missing is no error. */
  remove(name: string): Promise<void>;
}

export async function readWhole(store: BackupStore, name: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of store.read(name)) pieces.push(piece);
  return Buffer.concat(pieces);
}

export async function writeWhole(
  store: BackupStore,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  await store.write(name, onePiece(bytes));
}

// eslint-disable-next-line @typescript-eslint/require-await
export async function* onePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
