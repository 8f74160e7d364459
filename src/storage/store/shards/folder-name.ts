/**
 * Names of databases and policies as folders. Nearly all are as they are, as the reference has them; what would be another
 * folder, or a file of ours, is written with `%` and two hexadecimal digits: `/`, NUL and `%` itself, and a `.` in front (so
 * that `.lock` is a database like any other, and no name leads out of the data folder).
 *
 * Invariant: every name comes back, and no two make one folder.
 */
const special = /^\.|[%/\0]/g;

export function folderNameOf(name: string): string {
  return name.replaceAll(special, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`); // prettier-ignore
}

/** Undefined for a folder that no name makes. */
export function nameOfFolder(folder: string): string | undefined {
  const name = folder.replaceAll(/%([0-9A-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))); // prettier-ignore
  return folderNameOf(name) === folder ? name : undefined;
}
