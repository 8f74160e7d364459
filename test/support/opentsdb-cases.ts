import { readReference, type ReferenceCase } from './reference-cases.ts';

export interface OpenTsdbCase extends ReferenceCase {
  readonly answer: string;
}

interface Recorded {
  readonly cases: readonly OpenTsdbCase[];
}

/** Where we differ: what we count instead, and no point is stored. All but these are the reference's. */
export const openTsdbDiffers: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  // Stored at 1970 there.
  'time of ten letters': { tlBadTime: 1 },
  'time of 13 letters': { tlBadTime: 1 },
  'time with a point': { tlBadTime: 1 },
  'time with an underscore': { tlBadTime: 1 },
  // Stored under names there that are read back as others, or are none.
  'backslash at the end': { droppedPointsInvalid: 1 },
  'backslash measurement': { droppedPointsInvalid: 1 },
  'odd names': { droppedPointsInvalid: 1 },
  'measurement with #': { droppedPointsInvalid: 1 },
  'http: metric missing': { droppedPointsInvalid: 1 },
  'http: tags empty value': { droppedPointsInvalid: 1 },
  'http: escapes': { droppedPointsInvalid: 1 },
  'http: null in the list': { droppedPointsInvalid: 1 },
  'http: empty object': { droppedPointsInvalid: 1 },
  // A first line of HTTP decides there too, but headers that are none make it telnet.
  'http then garbage headers': { httpConnsHandled: 1 },
  // Told as what it is: there, as JSON that ends too soon.
  'http: gzip cut': { httpConnsHandled: 1 },
};

export const { cases: openTsdbCases } = readReference('opentsdb') as Recorded;
