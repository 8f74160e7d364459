import type { Config } from '../../config/config.ts';
import type { dataKeys } from '../../config/data-keys.ts';

/** The configuration of a data node, read and checked. */
export type DataConfig = Config<typeof dataKeys>;
