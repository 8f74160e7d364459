import type { Disk, DiskFile } from '../../../src/env/disk.ts';
import type { Env } from '../../../src/env/env.ts';
import type { KvOpener, KvStore } from '../../../src/env/kv.ts';
import type { RpcTransport } from '../../../src/env/transport.ts';
import type { HardState } from '../../../src/raft/types.ts';
import { decodeMessage, encodeMessage } from '../../../src/rpc/message.ts';

/** Bugs that the simulation has to find: each breaks one promise of a port, as a mistake in our code would. */
export const plants = ['ack-before-fsync', 'vote-not-persisted', 'lost-retry'] as const;
export type Plant = (typeof plants)[number];

/** The environment of a node with the bug in it. */
export function planted(env: Env, plant: Plant | undefined): Env {
  switch (plant) {
    case 'vote-not-persisted':
      return { ...env, kv: forgettingVotes(env.kv) };
    case 'lost-retry':
      return { ...env, transport: swallowingFailures(env.transport) };
    default:
      return env;
  }
}

/** Files that say they are synced and are not. */
export function withoutSync(disk: Disk): Disk {
  const open = async (path: string, mode: 'create' | 'open' | 'append' | 'read') => {
    const file = await disk.open(path, mode);
    const lax: DiskFile = {
      path,
      get lengthBytes() {
        return file.lengthBytes;
      },
      append: (parts) => file.append(parts),
      writeAt: (offset, bytes) => file.writeAt(offset, bytes),
      readAt: (offset, into) => file.readAt(offset, into),
      readIntoSync: (offset, into) => file.readIntoSync(offset, into),
      sync: () => Promise.resolve(),
      truncate: (lengthBytes) => file.truncate(lengthBytes),
      close: () => file.close(),
    };
    return lax;
  };
  return new Proxy(disk, {
    get: (target, name) => {
      if (name === 'open') return open;
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

function forgettingVotes(kv: KvOpener): KvOpener {
  return {
    open: async (path) => {
      const store = await kv.open(path);
      const lax: KvStore = {
        get: (key) => store.get(key),
        range: (range) => store.range(range),
        close: () => store.close(),
        batch: (operations, options) => {
          const kept = operations.map((operation) => {
            if (operation.kind !== 'put' || operation.key !== 'hard-state') return operation;
            const state = decodeMessage(operation.value) as HardState;
            return { ...operation, value: encodeMessage({ ...state, vote: 0 }) };
          });
          return store.batch(kept, options);
        },
      };
      return lax;
    },
  };
}

/** A write to another node that failed counts as done. */
function swallowingFailures(transport: RpcTransport): RpcTransport {
  return {
    listen: (address, handlers) => transport.listen(address, handlers),
    stream: (address, method, request, options) =>
      transport.stream(address, method, request, options),
    close: () => transport.close(),
    call: async (address, method, request, options) => {
      try {
        return await transport.call(address, method, request, options);
      } catch (error) {
        if (method !== 'shards.write') throw error;
        return encodeMessage({ droppedCount: 0, reason: '' });
      }
    },
  };
}
