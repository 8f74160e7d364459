/** What steps lead to, all of them taken at once. */
export function finished<T>(steps: Generator<undefined, T>): T;
export function finished<T>(steps: Generator<undefined, T> | undefined): T | undefined;
export function finished<T>(steps: Generator<undefined, T> | undefined): T | undefined {
  if (steps === undefined) return undefined;
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
