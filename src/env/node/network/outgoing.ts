/**
 * What one thread says to another within a turn of the event loop, as one message: an array, in the order in which it was
 * said. Each message wakes the other thread and is an event of its own there, which costs more than a small write has to do.
 */
interface Said<Message> {
  readonly message: Message;
  readonly transfer: readonly ArrayBuffer[];
}

type Post<Message> = (messages: readonly Message[], transfer: readonly ArrayBuffer[]) => void;

export class Outgoing<Message> {
  readonly #post: Post<Message>;
  readonly #onUnsent: (message: Message, error: unknown) => void;
  #said: Said<Message>[] = [];

  /** `onUnsent` is told of each message that is no plain data. */
  constructor(post: Post<Message>, onUnsent: (message: Message, error: unknown) => void) {
    this.#post = post;
    this.#onUnsent = onUnsent;
  }

  add(message: Message, transfer: readonly ArrayBuffer[] = []): void {
    this.#said.push({ message, transfer });
    if (this.#said.length > 1) return;
    setImmediate(() => {
      this.flush();
    });
  }

  /** Sends what was said so far. */
  flush(): void {
    const said = this.#said;
    if (said.length === 0) return;
    this.#said = [];
    try {
      this.#send(said);
    } catch {
      // One of them cannot be cloned, and nothing has gone: the others are not to suffer for it.
      for (const one of said) this.#sendAlone(one);
    }
  }

  #send(said: readonly Said<Message>[]): void {
    const transfer = said.flatMap((one) => one.transfer);
    this.#post(
      said.map(({ message }) => message),
      transfer,
    );
  }

  #sendAlone(one: Said<Message>): void {
    try {
      this.#send([one]);
    } catch (error) {
      this.#onUnsent(one.message, error);
    }
  }
}
