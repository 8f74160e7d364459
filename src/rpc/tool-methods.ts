/**
 * What tools ask of any gRPC server: whether it serves (health), and what it serves (reflection). For anyone: names and
 * types of methods are no secret.
 */
import { Buffer } from 'node:buffer';
import { choice, list, bytes, count, mapped, text } from '../proto/field.ts';
import { files } from '../proto/gen/descriptors.js';
import { grpc } from '../proto/gen/wire.js';
import { message, union } from '../proto/message.ts';
import { DbError } from '../base/errors.ts';
import { callMethod, streamMethod } from './method.ts';
import { serveCall, serveDialog, serveStream, type ServedMethod } from './served-method.ts';

const { HealthCheckRequest, HealthCheckResponse } = grpc.health.v1;
const reflection = grpc.reflection.v1;

const nameLengthMax = 512;
const name = text({ lengthMax: nameLengthMax });
const many = { max: 1_000 };
const open = { access: 'anyone', requestBytesMax: 4_096 } as const;

const healthCodecs = {
  ...open,
  request: message(HealthCheckRequest, { service: name }),
  reply: message(HealthCheckResponse, { status: choice({ unknown: 0, serving: 1, none: 3 }) }),
};
const checkMethod = callMethod('/grpc.health.v1.Health/Check', healthCodecs);
const watchMethod = streamMethod('/grpc.health.v1.Health/Watch', healthCodecs);

type Asked =
  | { readonly kind: 'file'; readonly name: string }
  | { readonly kind: 'symbol'; readonly name: string }
  | { readonly kind: 'services'; readonly name: string }
  | { readonly kind: 'other' };
type Answered =
  | { readonly kind: 'files'; readonly descriptors: readonly Uint8Array[] }
  | { readonly kind: 'services'; readonly names: readonly string[] }
  | { readonly kind: 'error'; readonly code: number; readonly text: string };

const named = mapped(name, {
  to: (value: { readonly name: string }) => value.name,
  from: (value) => ({ name: value }),
});

const asked = union<Asked>(reflection.ServerReflectionRequest, {
  variants: {
    file: ['fileByFilename', named],
    symbol: ['fileContainingSymbol', named],
    services: ['listServices', named],
  },
  none: 'other',
});

const descriptorList = list(bytes({ lengthBytesMax: 1 << 20 }), many);
const answered = union<Answered>(reflection.ServerReflectionResponse, {
  variants: {
    files: [
      'fileDescriptorResponse',
      mapped(message(reflection.FileDescriptorResponse, { fileDescriptorProto: descriptorList }), {
        to: (value: { readonly descriptors: readonly Uint8Array[] }) => ({ fileDescriptorProto: value.descriptors }), // prettier-ignore
        from: (value) => ({ descriptors: value.fileDescriptorProto }),
      }),
    ],
    services: [
      'listServicesResponse',
      mapped(
        message(reflection.ListServiceResponse, {
          service: list(message(reflection.ServiceResponse, { name }), many),
        }),
        {
          // prettier-ignore
          to: ({ names }: { readonly names: readonly string[] }) => ({ service: names.map((one) => ({ name: one })) }), // prettier-ignore
          from: (value) => ({ names: value.service.map((one) => one.name) }),
        },
      ),
    ],
    error: [
      'errorResponse',
      mapped(message(reflection.ErrorResponse, { errorCode: count(), errorMessage: name }), {
        to: (value: { readonly code: number; readonly text: string }) => ({ errorCode: value.code, errorMessage: value.text }), // prettier-ignore
        from: (value) => ({ code: value.errorCode, text: value.errorMessage }),
      }),
    ],
  },
});

/** gRPC's NOT_FOUND and UNIMPLEMENTED. */
const notFound = 5;
const unimplemented = 12;

/** The dialog's method, with its codecs: for tests. */
export const reflectionMethod = callMethod(
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  {
    // prettier-ignore
    ...open,
    request: asked,
    reply: answered,
  },
);
export { checkMethod as healthMethod };

/** For a server that has methods of these paths. */
export function toolMethods(paths: readonly string[]): readonly ServedMethod[] {
  const own = [checkMethod.path, reflectionMethod.path];
  const services = new Set([...paths, ...own].map((path) => path.split('/')[1] ?? ''));
  const isServed = (service: string) => service === '' || services.has(service);
  return [
    serveCall(checkMethod, ({ service }) => {
      if (!isServed(service)) throw new DbError('not_found', 'unknown service');
      return Promise.resolve({ status: 'serving' });
    }),
    serveStream(watchMethod, async function* ({ service }, { signal }) {
      yield { status: isServed(service) ? 'serving' : 'none' };
      // Nothing changes while this answers; a watcher learns of the end by the end of its stream.
      if (signal.aborted) return;
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          resolve();
        });
      });
    }),
    serveDialog(reflectionMethod, (request) => Promise.resolve(reflect(request, services))),
  ];
}

function reflect(request: Asked, services: ReadonlySet<string>): Answered {
  if (request.kind === 'services') return { kind: 'services', names: [...services].sort() };
  if (request.kind === 'other')
    return { kind: 'error', code: unimplemented, text: 'not supported' };
  const wanted = request.name;
  const file = files.find((one) =>
    request.kind === 'file' ? one.name === wanted : wanted.startsWith(`${one.package}.`),
  );
  if (file === undefined) return { kind: 'error', code: notFound, text: 'not found' };
  return { kind: 'files', descriptors: [Buffer.from(file.descriptor, 'base64')] };
}
