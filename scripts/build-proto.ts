/**
 * Makes src/proto/gen from the .proto files: static code of protobufjs for the messages, their types, and the
 * descriptors that reflection gives out. `--check` fails when the files are not what would be made, or when the .proto
 * files break what a release has promised (src/proto/released).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import { brokenPromises, goneFiles } from './proto-promises.ts';

const folder = 'src/proto';
const sources = readdirSync(folder)
  .filter((name) => name.endsWith('.proto'))
  .sort();

const made = {
  'gen/wire.js': staticCode(),
  'gen/wire.d.ts': declarations(),
  'gen/descriptors.js': descriptors(),
  'gen/descriptors.d.ts': `// Made by scripts/build-proto.ts.
export interface DescribedFile {
  readonly name: string;
  readonly package: string;
  readonly services: readonly string[];
  /** A google.protobuf.FileDescriptorProto in base64. */
  readonly descriptor: string;
}
export const files: readonly DescribedFile[];
`,
};

if (process.argv.includes('--check')) check();
else {
  mkdirSync(join(folder, 'gen'), { recursive: true });
  for (const [name, text] of Object.entries(made)) writeFileSync(join(folder, name), text);
}

function check(): void {
  const stale = Object.entries(made)
    .filter(([name, text]) => !isSame(join(folder, name), text))
    .map(([name]) => `${folder}/${name} is not up to date: run npm run build:proto`);
  const released = readdirSync(join(folder, 'released')).filter((name) => name.endsWith('.proto'));
  const broken = released
    .filter((name) => sources.includes(name))
    .flatMap((name) => brokenPromises(parse(join(folder, 'released', name)), parse(join(folder, name)))); // prettier-ignore
  const wrong = [...stale, ...goneFiles(released, sources), ...broken];
  for (const line of wrong) process.stderr.write(`${line}\n`);
  if (wrong.length > 0) process.exitCode = 1;
}

function isSame(path: string, text: string): boolean {
  return existsSync(path) && readFileSync(path, 'utf8') === text;
}

function parse(path: string): protobuf.Root {
  return protobuf.parse(readFileSync(path, 'utf8'), { keepCase: true }).root;
}

function staticCode(): string {
  const options = 'create verify convert delimited typeurl comments service'.split(' ');
  const run = spawnSync(
    'pbjs',
    ['-t', 'static-module', '-w', 'es6', ...options.map((one) => `--no-${one}`)].concat(
      sources.map((name) => join(folder, name)),
    ),
    { encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  if (run.status !== 0) throw new Error(`pbjs: ${run.stderr}`);
  // A 64-bit field that is absent is 0, whether or not some package has brought `long` along.
  return run.stdout.replace(/\$util\.Long \? \$util\.Long\.fromBits\(0,0,\w+\) : 0/g, '0');
}

/** One declaration for each message: what is in it is checked by its table, not by a type. */
function declarations(): string {
  const root = new protobuf.Root();
  for (const name of sources) protobuf.parse(readFileSync(join(folder, name), 'utf8'), root);
  const head = `// Made by scripts/build-proto.ts from src/proto/*.proto.
export interface MessageType {
  readonly prototype: object;
  encode(message: object, writer?: object): { finish(): Uint8Array };
  decode(reader: object): object;
}

`;
  const spaces = root.nestedArray.filter((one) => one instanceof protobuf.Namespace);
  return head + spaces.map((one) => `export const ${one.name}: ${typeOf(one, '')};\n`).join('\n');
}

function typeOf(space: protobuf.NamespaceBase, indent: string): string {
  const isMessage = space instanceof protobuf.Type;
  const inner = `${indent}  `;
  const members = space.nestedArray.map((one) => {
    const isSpace = one instanceof protobuf.Namespace && !(one instanceof protobuf.Service);
    return isSpace ? `${inner}readonly ${one.name}: ${typeOf(one, inner)};\n` : '';
  });
  if (!isMessage) return `{\n${members.join('')}${indent}}`;
  return members.length === 0 ? 'MessageType' : `MessageType & {\n${members.join('')}${indent}}`;
}

/** What reflection gives out: each file as the descriptor that protoc would make. */
function descriptors(): string {
  const files = sources.map((name) => {
    const root = parse(join(folder, name));
    root.resolveAll();
    const set = (root as unknown as Describing).toDescriptor('proto3');
    const [file] = set.file;
    if (file === undefined || set.file.length > 1) throw new Error(`${name}: one package a file`);
    file.name = name;
    for (const type of file.messageType) qualify(root, type, file.package);
    for (const service of file.service)
      for (const method of service.method) {
        method.inputType = fullName(root, file.package, method.inputType);
        method.outputType = fullName(root, file.package, method.outputType);
      }
    const bytes = descriptor.FileDescriptorProto.encode(file).finish();
    return {
      name,
      package: file.package,
      services: file.service.map((service) => `${file.package}.${service.name}`),
      descriptor: Buffer.from(bytes).toString('base64'),
    };
  });
  return `// Made by scripts/build-proto.ts.\nexport const files = ${JSON.stringify(files, null, 2)};\n`;
}

interface Described {
  readonly name: string;
  readonly field: { typeName?: string }[];
  readonly nestedType: Described[];
}
interface Describing {
  toDescriptor(syntax: string): {
    readonly file: {
      name: string;
      readonly package: string;
      readonly messageType: Described[];
      readonly service: {
        readonly name: string;
        readonly method: { inputType: string; outputType: string }[];
      }[];
    }[];
  };
}

/** Names of types as protoc writes them: whole, with a dot before. */
function qualify(root: protobuf.Root, type: Described, scope: string): void {
  const inner = `${scope}.${type.name}`;
  for (const field of type.field)
    if ((field.typeName ?? '') !== '') field.typeName = fullName(root, inner, field.typeName ?? '');
  for (const nested of type.nestedType) qualify(root, nested, inner);
}

function fullName(root: protobuf.Root, scope: string, name: string): string {
  const found = (root.lookup(scope) as protobuf.NamespaceBase).lookup(name.replace(/^\./, ''));
  if (found === null) throw new Error(`${name} is not known in ${scope}`);
  return found.fullName;
}
