import { readReference, type ReferenceCase } from './reference-cases.ts';

export interface CollectdCase extends ReferenceCase {
  readonly target: string;
}

interface Recorded {
  readonly typesDb: string;
  readonly authFile: string;
  readonly cases: readonly CollectdCase[];
}

/** Where we differ, and what we count where all are taken. All but these are the reference's to the byte. */
export const collectdDiffers: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  // Absolute values are taken, where the reference drops their datagram.
  'derive and counter and absolute': { pointsRx: 3 },
  // Datagrams are read whole, where the reference cuts what is beyond 1,452 bytes.
  'longer than 1452 bytes': { pointsRx: 40 },
  // A line without its newline at the end of the auth-file counts.
  'signed by the user of a line without an end': { pointsRx: 1 },
  // What cannot be stored, or would be read back as something else, is dropped.
  'no time': { droppedPointsInvalid: 1 },
  backslashes: { droppedPointsInvalid: 1 },
  newlines: { droppedPointsInvalid: 1 },
  'a name that begins with #': { droppedPointsInvalid: 1 },
  'join: no plugin': { droppedPointsInvalid: 1 },
};

export const {
  typesDb: collectdTypesDb,
  authFile: collectdAuthFile,
  cases: collectdCases,
} = readReference('collectd') as Recorded;
