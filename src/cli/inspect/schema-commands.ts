/**
 * `check-schema` and `merge-schema`: which types each field has in the shards of a policy. The reference reads fields.idx, which
 * shards of ours do not have; both have TSM files, whose keys say the same of all that is in files.
 */
import { compareUtf8 } from '../../base/compare-utf8.ts';
import { DbError, isDbError } from '../../base/errors.ts';
import { quoteGo } from '../../base/go-format.ts';
import { exactTextOf } from '../../base/exact-text.ts';
import { parseSeriesKey } from '../../models/parse-series-key.ts';
import { splitTsmKey } from '../../storage/tsm/tsm-format.ts';
import { TsmScan } from '../../storage/tsm/tsm-scan.ts';
import { goJson } from './output/go-json.ts';
import type { InspectCommand, InspectPorts } from './inspect-ports.ts';
import { absoluteOf, isShardFolder, placedFile, type ShardFile } from './folders/shard-files.ts'; // prettier-ignore
import { folderOf, isTsmName, walkFiles } from './folders/walk-files.ts';

/** Types of fields, by `"database"."policy"."measurement"."field"`. */
type Schema = Map<string, Set<string>>;

/** A thousand measurements of a thousand fields. */
const fieldsMax = 1_000_000;
const typeNames = ['float', 'integer', 'boolean', 'string', 'unsigned'];
const flags = { 'conflicts-file': 'text', 'schema-file': 'text' } as const;
const conflictsFlag = `  -conflicts-file string
    	Filename conflicts data should be written to (default "conflicts.json")
`;

export const checkSchemaCommand: InspectCommand = {
  name: 'check-schema',
  usageGoesTo: 'err',
  flags: { path: 'text', ...flags },
  usage: () => `Usage of check-schema:
${conflictsFlag}  -path string
    	Path under which fields.idx files are located (default ".")
  -schema-file string
    	Filename schema data should be written to (default "schema.json")
`,
  run: async (ports, given) => {
    const schema: Schema = new Map();
    let folder = '';
    for await (const { path, database, policy } of filesOf(ports, given.text('path', '.'))) {
      if (folderOf(path) !== folder) await tell(ports, folderOf(path));
      folder = folderOf(path);
      const scan = await TsmScan.open(ports.disk, path);
      try {
        for await (const { key, type } of scan.keys()) {
          const [series, field] = splitTsmKey(exactTextOf(key));
          const names = [database, policy, parseSeriesKey(series).measurement, field];
          addType(schema, names.map(quoteGo).join('.'), typeNames[type] ?? '');
        }
      } finally {
        await scan.close();
      }
    }
    await writeSchema(ports, schema, given.text('schema-file', 'schema.json'));
    await writeConflicts(ports, schema, given.text('conflicts-file', 'conflicts.json'));
  },
};

export const mergeSchemaCommand: InspectCommand = {
  name: 'merge-schema',
  usageGoesTo: 'err',
  flags,
  usage: () => `Usage of merge-schema:
${conflictsFlag}  -schema-file string
    	Filename for the output file (default "schema.json")
`,
  run: async (ports, given) => {
    if (given.rest.length === 0)
      throw new DbError('invalid_argument', 'At least 1 file must be specified');
    const schema: Schema = new Map();
    for (const path of given.rest)
      for (const [field, types] of Object.entries(await readSchema(ports, path)))
        for (const type of types.split(',')) addType(schema, field, type);
    await writeConflicts(ports, schema, given.text('conflicts-file', 'conflicts.json'));
    await writeSchema(ports, schema, given.text('schema-file', 'schema.json'));
  },
};

/** The TSM files in folders of shards, wherever these lie, in the order of their paths. */
async function* filesOf(
  { disk, workingFolder }: InspectPorts,
  root: string,
): AsyncGenerator<ShardFile> {
  if ((await disk.size(root)) === undefined)
    throw new DbError('not_found', `stat ${absoluteOf(workingFolder, root)}: no such file or directory`); // prettier-ignore
  for await (const path of walkFiles(disk, root, isTsmName))
    if (isShardFolder(folderOf(path)))
      yield { ...placedFile(absoluteOf(workingFolder, path)), path };
}

/** Of a shard of an InfluxDB the file is named that the reference reads there. */
async function tell({ disk, out, workingFolder }: InspectPorts, folder: string): Promise<void> {
  const fields = `${folder}/fields.idx`;
  const path = (await disk.size(fields)) === undefined ? folder : fields;
  await out(`Processing ${absoluteOf(workingFolder, path)}\n`);
}

function addType(schema: Schema, field: string, type: string): void {
  const known = schema.get(field);
  if (known !== undefined) known.add(type);
  else if (schema.size >= fieldsMax)
    throw new DbError('limit_exceeded', `more than ${fieldsMax} fields: look at one database at a time`); // prettier-ignore
  else schema.set(field, new Set([type]));
}

async function readSchema(
  { disk }: InspectPorts,
  path: string,
): Promise<Readonly<Record<string, string>>> {
  try {
    const read = JSON.parse(new TextDecoder().decode(await disk.readFile(path))) as unknown;
    if (
      typeof read === 'object' &&
      read !== null &&
      Object.values(read).every((one) => typeof one === 'string')
    )
      // prettier-ignore
      return read as Readonly<Record<string, string>>;
  } catch (error) {
    if (isDbError(error)) {
      const what = error.code === 'not_found' ? `open ${path}: no such file or directory` : error.message; // prettier-ignore
      throw new DbError(error.code, `unable to open schema file ${quoteGo(path)}: ${what}`, { cause: error }); // prettier-ignore
    }
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new DbError('corrupt', `unable to decode schema file ${quoteGo(path)}`);
}

async function writeSchema(ports: InspectPorts, schema: Schema, path: string): Promise<void> {
  if (schema.size === 0)
    await ports.out('No schema file generated: no valid measurements/fields found\n');
  else {
    await write(ports, schema, path);
    await ports.out(`Schema file written successfully to: ${quoteGo(path)}\n`);
  }
}

async function writeConflicts(ports: InspectPorts, schema: Schema, path: string): Promise<void> {
  const conflicts = new Map([...schema].filter(([, types]) => types.size > 1));
  if (conflicts.size === 0) await ports.out('No conflicts file generated: no conflicts found\n');
  else {
    await write(ports, conflicts, path);
    await ports.out(`Conflicts file written successfully to: ${quoteGo(path)}\n`);
  }
}

async function write({ disk }: InspectPorts, schema: Schema, path: string): Promise<void> {
  const lines = [...schema]
    .sort(([a], [b]) => compareUtf8(a, b))
    .map(([field, types]) => `  ${goJson(field)}: ${goJson([...types].join(','))}`);
  await disk.replaceFile(path, new TextEncoder().encode(`{\n${lines.join(',\n')}\n}\n`));
}
