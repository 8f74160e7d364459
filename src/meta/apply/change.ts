import type { Catalog, CommandValue } from '../model/catalog.ts';

/** What a command makes of a catalog. */
export interface Change {
  readonly catalog: Catalog;
  readonly value?: CommandValue | undefined;
}
