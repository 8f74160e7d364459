import { mathFunctions } from './random-calls.ts';
import { fills, quoted, zones } from './random-clauses.ts';
import { freshMeasurements, tagValues, type FreshMeasurement } from './random-data.ts';
import type { RandomChoice } from './random-choice.ts';

/** Of these no two rows of a series have one time and value. */
const [cpu, mem, , ties, lone] = freshMeasurements as readonly [FreshMeasurement, FreshMeasurement, FreshMeasurement, FreshMeasurement, FreshMeasurement]; // prettier-ignore
const bounds = `time >= '2000-01-01T00:00:00Z' AND time < '2000-01-01T01:00:00Z'`;

interface Layer {
  readonly text: string;
  /** Columns that the layer around it may name. */
  readonly columns: readonly string[];
  readonly tags: readonly string[];
}

/**
 * Queries in queries by what they say of names: tags that become columns and columns that stand where tags do, types that are
 * asked for, orders and zones at either depth.
 */
export function layersSelect(random: RandomChoice): string {
  const measurement = random.of([cpu, cpu, mem, ties, lone]);
  let layer = lowest(random, measurement);
  for (let depth = random.of([0, 0, 1, 1, 2]); depth > 0; depth--) layer = middle(random, layer);
  return highest(random, layer);
}

function lowest(random: RandomChoice, { name, tags, fields }: FreshMeasurement): Layer {
  const names = fields.map(([field]) => field);
  const numbers = fields.filter(([, kind]) => kind === 'float' || kind === 'integer').map(([field]) => field); // prettier-ignore
  const columns: string[] = [];
  const column = (expr: string, share = 0.6): string => {
    const alias = random.chance(share) ? random.of(['a', 'b', 'h', 'host', 'v']) : undefined;
    columns.push(alias ?? expr.replaceAll(/\(.*|::.*/g, ''));
    return alias === undefined ? expr : `${expr} AS ${alias}`;
  };
  const isCalled = random.chance(0.4);
  const call = (): string => `${random.of(['max', 'min', 'first', 'last', 'mean', 'count', 'sum', 'mode', 'median'])}(${random.of(numbers)})`; // prettier-ignore
  const list = isCalled
    ? [column(call(), 0.9), ...(random.chance(0.4) ? [column(call(), 0.9)] : [])]
    : [column(random.of(names)), ...random.some([0], 2).map(() => column(random.of([...names, ...tags, `${random.of(numbers)} * 2`, `${tags[0] ?? 'nosuch'}::tag`, `${names[0]}::field`, 'nosuch'])))]; // prettier-ignore
  const groups: string[] = random.of([[], ['*'], ['*'], tags.slice(0, 1), ['/./'], ['nosuch']]);
  const time = isCalled ? random.maybe(0.5, () => `time(${random.of(['5m', '20m', '1h'])})`) : '';
  const by = [...(time === '' ? [] : [time]), ...groups];
  const clauses = `${by.length === 0 ? '' : ` GROUP BY ${by.join(', ')}`}${time === '' ? '' : random.maybe(0.7, () => ` fill(${random.of(fills)})`)}`; // prettier-ignore
  const term = random.maybe(0.3, () => ` AND ${quoted(tags[0] ?? 'host')} ${random.of(['=', '!='])} '${random.of(tagValues)}'`); // prettier-ignore
  return { text: `SELECT ${list.join(', ')} FROM ${quoted(name)} WHERE ${bounds}${term}${clauses}${turned(random)}`, columns, tags }; // prettier-ignore
}

/** Orders and zones beneath another query. */
function turned(random: RandomChoice): string {
  return (
    random.maybe(0.12, () => ` ORDER BY time ${random.of(['ASC', 'DESC'])}`) +
    random.maybe(0.05, () => ` tz('${random.of(zones)}')`)
  );
}

function middle(random: RandomChoice, { text, columns, tags }: Layer): Layer {
  const names = [...columns, ...tags, 'nosuch'];
  const made: string[] = [];
  const column = (expr: string): string => {
    const alias = random.of(['a', 'b', 'c', 'host', '']);
    made.push(alias !== '' ? alias : expr.replaceAll(/\(.*|::.*| .*/g, ''));
    return alias === '' ? expr : `${expr} AS ${alias}`;
  };
  const one = (): string => random.of(names);
  const list = random.of([
    () => [column(one()), column(one())],
    () => [column(random.of(columns))],
    () => [column(`${random.of(columns)}::${random.of(['float', 'integer', 'string', 'tag', 'field'])}`)],
    () => [column(`${random.of(['max', 'count', 'last', 'first', 'mean', 'distinct'])}(${one()})`)],
    () => [column(`${random.of(columns)} + ${random.of([...columns, '1', '0.5'])}`), column(one())],
    () => ['*'],
  ])(); // prettier-ignore
  const condition = random.maybe(0.4, () => ` WHERE ${term(random, { columns, tags })}`);
  const groups = random.maybe(0.5, () => ` GROUP BY ${random.of(['*', ...tags, random.of(columns), '/^h/'])}`); // prettier-ignore
  const kept = list[0] === '*' ? columns : made;
  return { text: `SELECT ${list.join(', ')} FROM (${text})${condition}${groups}${turned(random)}`, columns: kept, tags }; // prettier-ignore
}

function term(random: RandomChoice, { columns, tags }: Pick<Layer, 'columns' | 'tags'>): string {
  const name = (): string => random.of([...columns, ...columns, ...tags, 'nosuch']);
  const one = (): string =>
    random.of([
      () => `${name()} ${random.of(['=', '!=', '>', '<='])} ${random.of(['3', "'a'", 'true', "''", '0.5', name()])}`,
      () => `${name()} ${random.of(['=~', '!~'])} /${random.of(['a', '^$', '.', '^(a|b)$', '[0-9]'])}/`,
      () => `${name()}::${random.of(['tag', 'field', 'float', 'string', 'integer'])} ${random.of(['=', '>'])} ${random.of(['3', "'a'"])}`,
      () => `time ${random.of(['>', '<='])} '2000-01-01T00:${random.integer(10, 50)}:00Z'`,
      () => `${random.of(columns)} * 2 > ${random.of(['10', random.of(columns)])}`,
    ])(); // prettier-ignore
  return random.of([() => one(), () => `${one()} AND ${one()}`, () => `${one()} OR ${one()}`, () => `(${one()} OR ${one()}) AND ${one()}`])(); // prettier-ignore
}

function highest(random: RandomChoice, layer: Layer): string {
  const { text, columns, tags } = layer;
  const name = (): string => random.of([...columns, ...columns, ...tags, 'nosuch']);
  const list = random.of([
    () => name(),
    () => `${name()}, ${name()}`,
    () => random.of(['*', '*::field', '*::tag', '/a|b|h/', 'count(*)', 'max(/./)', '*, host']),
    () => `${name()}::${random.of(['float', 'integer', 'string', 'boolean', 'tag', 'field'])}`,
    () => `${random.of(['count', 'max', 'min', 'first', 'last', 'mean', 'sum', 'mode', 'distinct', 'spread', 'stddev'])}(${name()})`,
    () => `count(distinct(${name()}))`,
    () => `${random.of(['max', 'first', 'last'])}(${name()}), ${name()}`,
    () => `${random.of(['top', 'bottom'])}(${random.of(columns)}, ${random.of([...tags, ...columns, '2'])}, 2)`,
    () => `${random.of(['difference', 'cumulative_sum', 'derivative', 'elapsed'])}(${random.of(columns)})`,
    () => `${random.of(mathFunctions)}(${random.of(columns)}), ${name()}`,
    () => `${name()} ${random.of(['+', '-', '*', '/', '%'])} ${random.of([name(), '2'])}`,
  ])(); // prettier-ignore
  const condition = random.maybe(0.4, () => ` WHERE ${term(random, layer)}`);
  const groups = random.maybe(0.5, () => ` GROUP BY ${random.of(['*', ...tags, random.of(columns), '/^h/', `${tags[0] ?? 'host'}, ${random.of(columns)}`])}`); // prettier-ignore
  return `SELECT ${list} FROM (${text})${condition}${groups}${random.maybe(0.12, () => ` ORDER BY time ${random.of(['ASC', 'DESC'])}`)}${random.maybe(0.05, () => ` tz('${random.of(zones)}')`)}`; // prettier-ignore
}
