import { SharedBuffers } from '../../src/base/shared-buffers.ts';
import type { Clock } from '../../src/env/clock.ts';
import type { Disk } from '../../src/env/disk.ts';
import { HintClock } from '../../src/hh/hint-clock.ts';
import { HintQueue, type HintQueueOptions, type HintQueuePorts } from '../../src/hh/hint-queue.ts';
import type { HintDamage } from '../../src/hh/read-hints.ts';

export const hintFolder = 'hh/5/7';

export interface OpenedQueue {
  readonly queue: HintQueue;
  readonly damages: HintDamage[];
}

export function hintOf(number: number, lengthBytes = 40): Uint8Array {
  const payload = new Uint8Array(lengthBytes).fill(number & 0xff);
  new DataView(payload.buffer).setUint32(0, number, true);
  return payload;
}

export function numberOf(payload: Uint8Array): number {
  return new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0, true);
}

export async function openQueue(
  { disk, clock }: { readonly disk: Disk; readonly clock: Clock },
  options: Partial<HintQueueOptions> = {},
  isDiskWell: HintQueuePorts['isDiskWell'] = () => Promise.resolve(true),
): Promise<OpenedQueue> {
  const damages: HintDamage[] = [];
  const onDamage = (_path: string, damage: HintDamage) => {
    damages.push(damage);
    return Promise.resolve();
  };
  const buffers = new SharedBuffers(1 << 20);
  const queue = new HintQueue({ disk, clock: new HintClock(clock), onDamage, isDiskWell, buffers }, { folder: hintFolder, segmentBytesMax: 150, ...options }); // prettier-ignore
  await queue.load();
  return { queue, damages };
}

/** Consumes all that the queue has, some bytes at a time. */
export async function drain(queue: HintQueue, bytesMax = 90): Promise<readonly number[]> {
  const numbers: number[] = [];
  while (queue.hasUnread)
    await queue.consume(bytesMax, ({ records }) => {
      numbers.push(...records.map(({ payload }) => numberOf(payload)));
      return records.length;
    });
  return numbers;
}
