import { createServer } from 'node:http';
import { createServer as createTcp, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Attack } from './attack.ts';

const secret = 'what only the intranet may read';

/** C: a meta node is asked to add what is no node, by whoever wants to see what answers there. */
export const foreignAddresses: Attack = {
  id: 'C3',
  title: 'POST /join and /add-data tell nothing of what answers at a foreign address',
  run: async ({ metaUrls }) => {
    const heard: string[] = [];
    const sockets = new Set<Socket>();
    const http = createServer((_request, response) => response.end(JSON.stringify({ secret })));
    const tcp = createTcp((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('data', (part) => {
        heard.push(part.toString('latin1'));
        socket.write(secret);
      });
    });
    const addresses = [await listen(http), await listen(tcp), '127.0.0.1:1', 'x/y:80', `${'h'.repeat(1_000)}:80`]; // prettier-ignore
    try {
      for (const url of metaUrls)
        for (const path of ['/join', '/add-data'])
          for (const addr of addresses) await ask(`${url}${path}`, addr);
    } finally {
      for (const socket of sockets) socket.destroy();
      http.close().closeAllConnections();
      tcp.close();
    }
    const told = heard.filter((text) => /varve-cluster|Bearer/.test(text));
    if (told.length > 0) throw new Error(`a stranger was told ${told[0] ?? ''}`);
  },
};

async function ask(url: string, addr: string): Promise<void> {
  const body = new URLSearchParams({ addr });
  const response = await fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(30_000) });
  const text = await response.text();
  if (response.ok) throw new Error(`${url} of ${addr} was answered ${response.status} ${text}`);
  if (text.includes(secret.slice(0, 8))) throw new Error(`${url} told what ${addr} answers`);
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    });
  });
}
