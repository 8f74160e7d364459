import { once } from 'node:events';
import { createServer, type AddressInfo, type Server as NetServer, type Socket } from 'node:net';
import { Server, ServerCredentials, type Metadata, type ServerDuplexStream } from '@grpc/grpc-js';
import { DbError } from '../../base/errors.ts';
import type { RpcHandlers, RpcListener } from '../../env/transport.ts';
import { exchange, kindKey, methodKey } from './exchange.ts';
import { errorFrame, FrameReader, messageFrames } from './frames.ts';
import { answerHttpGet } from './http-get.ts';

type ServerCall = ServerDuplexStream<Buffer, Buffer>;

/** Serves `handlers` at host:port: gRPC, and plain HTTP GET for what arrives without the HTTP/2 preface. */
export async function listenGrpc(address: string, handlers: RpcHandlers): Promise<RpcListener> {
  const server = new Server();
  server.addService(
    { Exchange: exchange },
    {
      Exchange: (call: ServerCall) => void serve(call, handlers),
    },
  );
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const net = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.once('data', (first: Buffer) => {
      socket.pause();
      if (first.subarray(0, 4).toString('latin1') === 'PRI ') {
        socket.unshift(first);
        injector.injectConnection(socket);
      } else answerHttpGet(socket, first, handlers);
    });
  });
  const [host, port] = splitAddress(address);
  await listen(net, { host, port, address });
  const bound = net.address() as AddressInfo;
  return {
    address: `${host}:${bound.port}`,
    close: async () => {
      const closed = once(net, 'close');
      net.close();
      injector.destroy();
      server.forceShutdown();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function serve(call: ServerCall, handlers: RpcHandlers): Promise<void> {
  const controller = new AbortController();
  call.on('cancelled', () => {
    controller.abort(new DbError('cancelled', 'the caller is gone'));
  });
  call.on('error', () => undefined);
  const context = { signal: controller.signal };
  const method = textOf(call.metadata, methodKey);
  try {
    const request = await readRequest(call);
    if (textOf(call.metadata, kindKey) === 'call') {
      await writeMessage(call, await handlers.call(method, request, context), controller.signal);
    } else {
      for await (const reply of handlers.stream(method, request, context)) {
        if (controller.signal.aborted) break;
        await writeMessage(call, reply, controller.signal);
      }
    }
  } catch (error) {
    if (!controller.signal.aborted) call.write(errorFrame(error));
  }
  call.end();
}

async function readRequest(call: ServerCall): Promise<Uint8Array> {
  const reader = new FrameReader();
  // The call is answered on the same stream: leaving the loop must not end it.
  for await (const frame of call.iterator({ destroyOnReturn: false })) {
    const message = reader.take(frame as Buffer);
    if (message !== undefined) return message;
  }
  throw new DbError('corrupt', 'the request was cut short');
}

async function writeMessage(
  call: ServerCall,
  message: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  for (const frame of messageFrames(message)) {
    if (signal.aborted) return;
    if (!call.write(frame)) await once(call, 'drain', { signal }).catch(() => undefined);
  }
}

function textOf(metadata: Metadata, key: string): string {
  return String(metadata.get(key)[0] ?? '');
}

function splitAddress(address: string): readonly [host: string, port: number] {
  const at = address.lastIndexOf(':');
  return [address.slice(0, at), Number(address.slice(at + 1))];
}

function listen(
  net: NetServer,
  {
    host,
    port,
    address,
  }: { readonly host: string; readonly port: number; readonly address: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    net.once('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE';
      const text = `listen ${address}: ${isTaken ? 'bind: address already in use' : error.message}`;
      reject(new DbError(isTaken ? 'conflict' : 'io_error', text, { cause: error }));
    });
    net.listen({ port, ...(host !== '' && { host }) }, resolve);
  });
}
