import type { SentStep } from '../send-step.ts';
import { timeText } from './random-times.ts';
import type { RandomChoice } from './random-choice.ts';

const buckets = ['changing', 'changing/autogen', 'changing/', 'changing/nosuch', 'nosuch', 'nosuch/autogen', '/autogen', '/', '', 'changing/autogen/x', 'Changing', 'changing%2Fautogen', 'a b/c d', 'made', 'made/p', 'made/autogen']; // prettier-ignore
const instants = ['2000-01-01T00:00:00Z', '2000-01-01T00:30:00Z', '2000-01-02T00:00:00Z', '1970-01-01T00:00:00Z', '1677-09-21T00:12:43.145224194Z', '2262-04-11T23:47:16.854775806Z', '2262-04-11T23:47:16.854775807Z', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '2000-01-01', '', '946684800', 'now()', '2000-01-01T00:00:00', '2000-01-01T00:00:00+01:00', '2000-01-01t00:00:00z', '2000-01-01 00:00:00']; // prettier-ignore
const predicates = ['', '_measurement="m"', "_measurement='m'", '_measurement="m" AND host="a"', 'host="a"', "host='a'", 'host=a', 'host = "a" and _measurement = "m"', '_measurement="m" AND _measurement="n"', 'host != "a"', 'host="a" OR host="b"', '(host="a")', '_measurement="m" AND (host="a" AND b="x")', 'v > 1', 'v = 1', '_field="v"', 'time > 3', 'host =~ /a/', '_measurement = m', '"host" = "a"', '_measurement="nosuch"', 'host="a" AND', 'x', '_measurement=""', 'host=""', '_measurement = "m" AND host = ""', 'AND', '"', "'", '_measurement="m" AND time="2000-01-01"', '_measurement="m";', 'true', '_measurement="a b"', '1=1', '_measurement="m" AND host="a" AND host="b"']; // prettier-ignore
const body = 'm,host=a v=1,w=2i 946684800000000000\nm,host=b v=2 946686600000000000\nn,host=a v=3 946684801000000000\nm v=4 946771200000000000'; // prettier-ignore

function json(random: RandomChoice, entries: Readonly<Record<string, unknown>>): string {
  const text = JSON.stringify(entries);
  return random.chance(0.94) ? text : random.of(['', '{', '[]', 'null', '"x"', text.slice(0, -1), `${text}x`, '{"start":1}', text.replace(':', '')]); // prettier-ignore
}

/** The API of version 2 that 1.12 has beside its own: writes, deletes, and buckets as databases with a policy. */
export function bucketDialogue(random: RandomChoice): readonly SentStep[] {
  return [write('changing/autogen', {}), ...Array.from({ length: random.integer(1, 3) }, () => step(random))]; // prettier-ignore
}

function write(bucket: string, more: Readonly<Record<string, string>>): SentStep {
  return {
    method: 'POST',
    path: '/api/v2/write',
    params: { bucket, ...more },
    headers: {},
    text: body,
  };
}

function step(random: RandomChoice): SentStep {
  const bucket = random.chance(0.5) ? 'changing/autogen' : random.of(buckets);
  const place: Record<string, string> = random.chance(0.9) ? { bucket } : {};
  if (random.chance(0.3)) place['org'] = random.of(['', 'x', 'my org']);
  const path = encodeURIComponent(bucket);
  const rules = random.of<object>([{}, { retentionRules: random.of<unknown>([[], [{ type: 'expire', everySeconds: random.of([3600, 3599, 7200, 86400, 0, -1, 1.5, 1e12]) }], [{ everySeconds: 7200, shardGroupDurationSeconds: random.of([3600, 60, 0, -5]) }], [{ type: 'keep', everySeconds: 3600 }], [{ everySeconds: 3600 }, { everySeconds: 7200 }], {}, 'x', null, [null]]) }]); // prettier-ignore
  const seldom = (share: number, entries: object): object => (random.chance(share) ? entries : {});
  const made = { name: random.of(['made/p', 'made/p', 'made', 'made/', '/p', '', 'a/b/c', 'changing/autogen', 5, 'made/"q"']), ...seldom(0.3, { orgID: random.of(['', 'x']) }), ...seldom(0.2, { schemaType: random.of(['implicit', 'explicit']) }), ...seldom(0.2, { rp: 'p' }), ...rules, ...seldom(0.2, { description: 'x' }), ...seldom(0.1, { nosuch: 1 }) }; // prettier-ignore
  const range = { start: random.chance(0.7) ? '2000-01-01T00:00:00Z' : random.of([...instants, timeText(random).slice(1, -1)]), stop: random.chance(0.7) ? '2000-01-02T00:00:00Z' : random.of(instants) }; // prettier-ignore
  const given = random.chance(0.05) ? {} : { ...range, predicate: random.of(predicates) };
  return random.of([
    (): SentStep => ({ method: 'POST', path: '/api/v2/delete', params: place, headers: {}, text: json(random, given) }),
    (): SentStep => ({ method: 'POST', path: '/api/v2/delete', params: place, headers: {}, text: json(random, given) }),
    (): SentStep => ({ method: 'POST', path: '/api/v2/delete', params: place, headers: {}, text: json(random, given) }),
    () => write(bucket, random.of([{}, { precision: random.of(['ns', 'us', 'ms', 's', 'n', 'u', 'm', 'h', 'x', '']) }, { org: 'x' }, { db: 'changing' }])),
    (): SentStep => ({ method: 'POST', path: '/api/v2/buckets', params: {}, headers: {}, text: json(random, made) }),
    (): SentStep => ({ method: 'POST', path: '/api/v2/buckets', params: {}, headers: {}, text: json(random, { name: 'made/p', ...rules }) }),
    (): SentStep => ({ method: 'GET', path: '/api/v2/buckets', params: random.of<Record<string, string>>([{}, { name: bucket }, { limit: random.of(['1', '0', '-1', 'x', '1000']) }, { offset: random.of(['1', '-1', 'x', '100']) }, { after: bucket }, { id: bucket }, { org: 'x' }, { orgID: 'x' }, { after: 'changing/autogen', limit: '2' }]), headers: {} }),
    (): SentStep => ({ method: 'GET', path: `/api/v2/buckets/${path}`, params: {}, headers: {} }),
    (): SentStep => ({ method: 'PATCH', path: `/api/v2/buckets/${path}`, params: {}, headers: {}, text: json(random, { ...seldom(0.3, { name: random.of(['other', bucket]) }), ...rules, ...seldom(0.2, { description: 'x' }) }) }),
    (): SentStep => ({ method: 'DELETE', path: `/api/v2/buckets/${random.chance(0.5) ? 'made%2Fp' : path}`, params: {}, headers: {} }),
    (): SentStep => ({ method: random.of(['GET', 'POST']), path: `/api/v2/buckets/${path}/${random.of(['labels', 'members', 'owners', 'x', ''])}`, params: {}, headers: {} }),
    (): SentStep => ({ method: random.of(['GET', 'PUT', 'HEAD', 'OPTIONS', 'DELETE']), path: random.of(['/api/v2/write', '/api/v2/delete', '/api/v2/buckets', '/api/v2/query', '/api/v2', '/health', '/api/v2/ping', '/api/v2/setup']), params: {}, headers: {} }),
  ])(); // prettier-ignore
}

/** What it has left, and nothing of it afterwards. */
export const leftOfBuckets = [
  'SELECT * FROM changing.autogen././ GROUP BY *',
  'SHOW RETENTION POLICIES ON changing; SHOW RETENTION POLICIES ON made',
  'DROP DATABASE made; DROP DATABASE changing; CREATE DATABASE changing WITH SHARD DURATION 1h',
];
