/** Which packages a program needs beside its bundles, and whose licences go with what is in them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** A package as it lies in `node_modules`: the folder is relative to the root. */
export interface RuntimePackage {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Those and all that they need, each once, as Node would find them from the root; optional ones where they are installed. */
export function neededPackages(root: string, names: readonly string[]): readonly RuntimePackage[] {
  const found = new Map<string, RuntimePackage>();
  const add = (name: string, from: string, isOptional: boolean): void => {
    const folder = findPackage(root, name, from);
    if (folder === undefined) {
      if (isOptional) return;
      throw new Error(`${name} is not installed: npm ci`);
    }
    if (found.has(folder)) return;
    const manifest = readManifest(join(root, folder));
    found.set(folder, { folder, manifest });
    for (const one of Object.keys(manifest.dependencies ?? {})) add(one, folder, one in (manifest.optionalDependencies ?? {})); // prettier-ignore
    for (const one of Object.keys(manifest.optionalDependencies ?? {})) add(one, folder, true);
  };
  for (const name of names) add(name, '', false);
  return [...found.values()];
}

/** Texts of their licences, one behind the other. */
export function licencesOf(root: string, packages: readonly RuntimePackage[]): string {
  const texts = packages.map(({ folder, manifest: { name, version, license = '' } }) => {
    const files = readdirSync(join(root, folder)).filter((file) => /^(licen[cs]e|notice)/i.test(file)); // prettier-ignore
    const text = files.map((file) => readFileSync(join(root, folder, file), 'utf8').trim());
    return [`${name} ${version} (${license})`, ...text].join('\n\n');
  });
  return `${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** In the `node_modules` of whoever asks, or of the folders around it. */
function findPackage(root: string, name: string, from: string): string | undefined {
  for (let around = from; ; around = around.slice(0, Math.max(0, around.lastIndexOf('node_modules/') - 1))) {
    const folder = join(around, 'node_modules', name);
    if (existsSync(join(root, folder, 'package.json'))) return folder;
    if (around === '') return undefined;
  }
} // prettier-ignore
