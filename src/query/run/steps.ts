/**
 * Work that runs without promises as long as what it needs is there: a generator that gives, besides its results, a promise
 * where it has to wait. Whoever drives it (output-series.ts) waits and asks on; whoever stands between hands it through. A
 * small answer is made in one go, and a promise costs more than the rows that it stands for.
 *
 * What such a promise rejects with is thrown where the driver, or a loop between, has asked: generators below are ended and
 * run their `finally`, none may catch it.
 */
export type Wait = Promise<unknown>;

/** Ends with its result. */
export type Steps<Result> = Generator<Wait, Result, undefined>;

/** Gives results one after the other. */
export type Flow<Item> = Generator<Item | Wait, void, undefined>;

/** A value that may have to be waited for. */
export function* settled<T>(value: T | Promise<T>): Steps<T> {
  if (!(value instanceof Promise)) return value;
  const arrived: T[] = [];
  yield value.then((one) => arrived.push(one));
  return arrived[0] as T;
}

/** For whoever has no driver: waits wherever they do. */
export async function waited<Result>(steps: Steps<Result>): Promise<Result> {
  let next = steps.next();
  while (next.done !== true) next = await asked(steps, next.value);
  return next.value;
}

/** What comes behind a promise that was given, once that has settled. */
export async function asked<Step, Result>(
  steps: Generator<Step, Result, undefined>,
  wait: Wait,
): Promise<IteratorResult<Step, Result>> {
  try {
    await wait;
  } catch (error) {
    return steps.throw(error);
  }
  return steps.next();
}
