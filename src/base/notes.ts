/**
 * What is worked out of an object once, and kept with it: a field that nobody else sees, which spreads, comparisons and messages leave
 * out. A WeakMap does the same, but each of its entries is gone through in each collection: of plans that one question has made it
 * cost more than it saved.
 */
export interface Notes<Of extends object, Value> {
  of(object: Of): Value | undefined;
  /** Once for each object. */
  keep(object: Of, value: Value): void;
}

/** Its subclasses put their fields on the object that they are given. */
// eslint-disable-next-line @typescript-eslint/no-extraneous-class -- what it keeps is its subclasses'
class Given {
  constructor(of: object) {
    return of;
  }
}

export function notesOn<Of extends object, Value>(): Notes<Of, Value> {
  class Note extends Given {
    readonly #value: Value;

    constructor(of: Of, value: Value) {
      super(of);
      this.#value = value;
    }

    static of(object: object): Value | undefined {
      return #value in object ? object.#value : undefined;
    }
  }
  return {
    of: (object) => Note.of(object),
    keep: (object, value) => {
      new Note(object, value);
    },
  };
}
