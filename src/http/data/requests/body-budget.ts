/**
 * Bytes of all bodies that are held at once, counted as they come: a request that announces much and sends nothing takes no
 * one's place. When all are taken, readers wait in order until others have ended; the oldest body never waits, so that one of
 * them always gets on. What was taken is given back by close(), however the request ends.
 */
export class BodyBudget {
  readonly #bytesMax: number;
  /** In the order in which they were opened, each with what it has taken. */
  readonly #open = new Map<BodyPlace, number>();
  readonly #waiting: Waiting[] = [];
  #takenBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get takenBytes(): number {
    return this.#takenBytes;
  }

  get openCount(): number {
    return this.#open.size;
  }

  open(): BodyPlace {
    const place = new BodyPlace(this);
    this.#open.set(place, 0);
    return place;
  }

  /** For places. */
  take(place: BodyPlace, lengthBytes: number): Promise<void> | undefined {
    if (!this.#open.has(place)) return undefined;
    if (this.#waiting.length === 0 && this.#fits(place, lengthBytes)) {
      this.#add(place, lengthBytes);
      return undefined;
    }
    return new Promise((resolve) => {
      this.#waiting.push({ place, lengthBytes, enter: resolve });
      this.#admit();
    });
  }

  /** For places: gives back what it has taken, once. */
  close(place: BodyPlace): void {
    this.#takenBytes -= this.#open.get(place) ?? 0;
    if (this.#open.delete(place)) this.#admit();
  }

  #add(place: BodyPlace, lengthBytes: number): void {
    this.#takenBytes += lengthBytes;
    this.#open.set(place, (this.#open.get(place) ?? 0) + lengthBytes);
  }

  #fits(place: BodyPlace, lengthBytes: number): boolean {
    const [oldest] = this.#open.keys();
    return place === oldest || this.#takenBytes + lengthBytes <= this.#bytesMax;
  }

  /** Lets in whoever fits, in order; the oldest of all even when others wait before it. */
  #admit(): void {
    for (let at = 0; at < this.#waiting.length;) {
      const next = this.#waiting[at];
      if (next === undefined) return;
      const { place, lengthBytes, enter } = next;
      const isLeft = !this.#open.has(place);
      if (!isLeft && !this.#fits(place, lengthBytes)) {
        at++;
        continue;
      }
      this.#waiting.splice(at, 1);
      if (!isLeft) this.#add(place, lengthBytes);
      enter();
    }
  }
}

interface Waiting {
  readonly place: BodyPlace;
  readonly lengthBytes: number;
  readonly enter: () => void;
}

/** What one request holds of the budget. */
export class BodyPlace {
  readonly #budget: BodyBudget;

  constructor(budget: BodyBudget) {
    this.#budget = budget;
  }

  /** Undefined when the bytes were there; else resolves once they are, or the place is closed. */
  take(lengthBytes: number): Promise<void> | undefined {
    return this.#budget.take(this, lengthBytes);
  }

  close(): void {
    this.#budget.close(this);
  }
}
