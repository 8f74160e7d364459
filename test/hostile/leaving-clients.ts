import { connect, type Socket } from 'node:net';
import { makeDatabase, quiet, write } from './ask.ts';
import type { Attack } from './attack.ts';

const database = 'leaving_clients';
const rounds = 10;
const clientsPerRound = 24;
const stalledCount = 40;
const announcedBytes = 24_000_000;

async function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

function head(announced: number): string {
  return `POST /write?db=${database} HTTP/1.1\r\nHost: x\r\nContent-Length: ${announced}\r\n\r\n`;
}

async function writes(url: string): Promise<void> {
  const startMs = performance.now();
  await write(url, database, `m v=1 ${Math.round(startMs * 1_000)}`);
  const tookMs = performance.now() - startMs;
  if (tookMs > 5_000) throw new Error(`an honest write took ${tookMs} ms`);
}

/** B2: clients that come and go at any point of a write leave nothing behind. */
export const leavingWriters: Attack = {
  id: 'B2',
  title: 'connections opened and closed around POST /write',
  run: async ({ dataUrls }) => {
    const [url = ''] = dataUrls;
    await makeDatabase(url, database, dataUrls.length);
    const request = `${head(announcedBytes)}m v=1 1`;
    for (let round = 0; round < rounds; round++) {
      const sockets = await Promise.all(Array.from({ length: clientsPerRound }, () => open(url)));
      for (const [i, socket] of sockets.entries()) {
        socket.write(request.slice(0, Math.floor((request.length * i) / sockets.length) + 1));
        if (i % 2 === 0) socket.resetAndDestroy();
        else socket.destroy();
      }
      await writes(url);
    }
  },
};

/** B3: clients that announce much and send little hold up nobody, and are left. */
export const stalledWriters: Attack = {
  id: 'B3',
  title: 'connections that announce 24 MB and send nothing, or next to nothing',
  run: async ({ dataUrls }) => {
    const [url = ''] = dataUrls;
    await makeDatabase(url, database, dataUrls.length);
    const sockets = await Promise.all(Array.from({ length: stalledCount }, () => open(url)));
    const left = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    for (const [i, socket] of sockets.entries()) {
      socket.resume();
      socket.write(head(announcedBytes) + 'm v=1 1\n'.repeat(i % 2 === 0 ? 0 : 1_000));
    }
    for (let i = 0; i < 20; i++) await writes(url);
    const limit = new Promise((_resolve, reject) => {
      setTimeout(() => reject(new Error('stalled writers are not left')), 60_000).unref();
    });
    await Promise.race([Promise.all(left), limit]);
  },
};

/** B11: readers that do not read are left, and their queries end. */
export const stalledReaders: Attack = {
  id: 'B11',
  title: 'chunked answers that nobody reads',
  run: async ({ dataUrls }) => {
    const [url = ''] = dataUrls;
    await makeDatabase(url, database, dataUrls.length);
    const lines = Array.from({ length: 100_000 }, (_, i) => `wide s="${'x'.repeat(200)}" ${i}`);
    await write(url, database, lines.join('\n'));
    const target = `/query?db=${database}&chunked=true&q=SELECT+*+FROM+wide`;
    const sockets = await Promise.all(Array.from({ length: 8 }, () => open(url)));
    for (const socket of sockets) {
      socket.pause();
      socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
    }
    // The limit of a reader that takes nothing is a minute.
    await quiet(url, 150_000);
    for (const socket of sockets) socket.destroy();
  },
};
