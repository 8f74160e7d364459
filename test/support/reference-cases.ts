import { readFileSync } from 'node:fs';
import type { GoldenPoint } from './golden-points.ts';

/** What influxd 1.12.4 stored, counted and logged of what it was sent. */
export interface ReferenceCase {
  readonly name: string;
  /** Base64. */
  readonly bytes: string;
  readonly points: readonly GoldenPoint[];
  readonly statistics: Readonly<Record<string, number>>;
  readonly log: readonly string[];
}

/** What was recorded of a listener, `cases` among it. */
export function readReference(listener: string): unknown {
  const path = `../../src/services/listeners/${listener}/testdata/reference-1.12.4.json`;
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
}
