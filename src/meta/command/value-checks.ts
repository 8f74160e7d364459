/**
 * Whether a value is of a type, within fixed bounds: what commands are made of (command-shape.ts).
 *
 * Invariant: the same answer on every replica.
 */
import { maxTimeNs, minTimeNs } from '../../base/units.ts';

export type Check = (value: unknown) => boolean;
export type Shape<T> = { readonly [Key in keyof Required<T>]: Check };

const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;
const maxReplicaCount = 2 ** 31 - 1;

export const isText: Check = (value) => typeof value === 'string';
export const isFlag: Check = (value) => typeof value === 'boolean';
export const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
export const isInt64: Check = (value) =>
  typeof value === 'bigint' && value >= int64Min && value <= int64Max;
/** The group of the least times begins where its duration has it, before what 64 bits hold. */
export const isGroupStart: Check = (value) =>
  typeof value === 'bigint' && value >= -(2n ** 64n) && value <= int64Max;
export const isUint64: Check = (value) =>
  typeof value === 'bigint' && value >= 0n && value < 2n ** 64n;
export const isTime: Check = (value) =>
  isInt64(value) && within(value as bigint, minTimeNs, maxTimeNs);
export const isReplicaCount: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) <= maxReplicaCount;
const revocable = ['READ', 'WRITE', 'ALL PRIVILEGES'];
export const isPrivilege = isOneOf([...revocable, 'NO PRIVILEGES']);
export const isRevocable = isOneOf(revocable);

export function isOneOf(texts: readonly string[]): Check {
  return (value) => texts.includes(value as string);
}

export function orAbsent(check: Check): Check {
  return (value) => value === undefined || check(value);
}

export function isListOf(check: Check, countMax: number): Check {
  return (value) => Array.isArray(value) && value.length <= countMax && value.every(check);
}

export function hasShape(value: unknown, shape: Readonly<Record<string, Check>>): boolean {
  return isObject(value) && Object.entries(shape).every(([key, check]) => check(value[key]));
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function within(value: bigint, min: bigint, max: bigint): boolean {
  return value >= min && value <= max;
}
