import { assert } from '../../../src/base/assert.ts';
import { DbError } from '../../../src/base/errors.ts';
import type {
  Engine,
  EngineContext,
  EnginePorts,
  EngineReply,
  EngineSettings,
} from '../../../src/env/engine-host.ts';

/** The engine of the contract suite: one method per promise of the port. */
class ContractEngine implements Engine {
  readonly #settings: EngineSettings;
  readonly #ports: EnginePorts;
  readonly #seen: string[] = [];
  #made = 0;
  #cancelSeen = 0;

  constructor(settings: EngineSettings, ports: EnginePorts) {
    this.#settings = settings;
    this.#ports = ports;
  }

  async call(kind: string, body: unknown, context: EngineContext): Promise<EngineReply> {
    switch (kind) {
      case 'echo':
        return { body };
      case 'settings':
        return { body: this.#settings };
      case 'note':
        this.#seen.push(body as string);
        await this.#ports.turn();
        return { body: [...this.#seen] };
      case 'double': {
        const doubled = Float64Array.from(body as Float64Array, (value) => value * 2);
        return { body: doubled, transfer: [doubled.buffer] };
      }
      case 'refuse':
        throw new DbError('field_type_conflict', body as string);
      case 'bug':
        throw new TypeError('a bug');
      case 'invariant':
        assert(body === 'never', 'an invariant');
        break;
      case 'log':
        this.#ports.log.child('engine').info(body as string, { count: 3 });
        return { body: undefined };
      case 'spin':
        while (!context.cancelled()) await this.#ports.turn();
        this.#cancelSeen++;
        throw new DbError('cancelled', 'seen by the engine');
      case 'counts':
        return { body: { made: this.#made, cancelSeen: this.#cancelSeen } };
      case 'die':
        queueMicrotask(() => {
          throw new Error('outside of a request');
        });
        await this.#ports.turn();
        break;
    }
    return { body: undefined };
  }

  async *stream(kind: string, body: unknown, context: EngineContext): AsyncGenerator<EngineReply> {
    if (kind === 'waiting') {
      await context.stopped;
      return;
    }
    const count = body as number;
    for (let index = 0; index < count; index++) {
      if (context.cancelled()) this.#cancelSeen++;
      this.#made++;
      yield { body: index, isLast: kind === 'marked' && index === count - 1 };
      await this.#ports.turn();
    }
    if (kind === 'broken') throw new DbError('corrupt', 'in the middle');
  }

  async close(): Promise<void> {
    await this.#ports.turn();
  }
}

export async function createContractEngine(
  settings: EngineSettings,
  ports: EnginePorts,
): Promise<Engine> {
  await ports.turn();
  if (settings.options === 'fail') throw new DbError('corrupt', 'does not start');
  return new ContractEngine(settings, ports);
}
