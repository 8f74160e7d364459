/** What is asked for in MessagePack: one tag at the most, since the reference writes tags in the order of a hash map. */
export const packDatabase = 'pack';

const long = 'x'.repeat(300);

export const packLines = [
  'm,host=a f=1.5,i=1i,s="text",b=true -1500000000',
  'm,host=a f=-0,i=-32i,s="",b=false 0',
  'm,host=a f=1e300,i=-33i,s="é" 1',
  'm,host=a i=127i 1000000000',
  'm,host=a i=128i 1000000001',
  'm,host=a i=-128i 1000000002',
  'm,host=a i=-129i 1000000003',
  'm,host=a i=32767i 1000000004',
  'm,host=a i=32768i 1000000005',
  'm,host=a i=-32769i 1000000006',
  'm,host=a i=2147483647i 1000000007',
  'm,host=a i=2147483648i 1000000008',
  'm,host=a i=-2147483649i 1000000009',
  'm,host=a i=9223372036854775807i 1000000010',
  'm,host=a i=-9223372036854775808i 1000000011',
  `m,host=b s="${long}" 4102444800123456789`,
  `m,host=b s="${'y'.repeat(70_000)}" 4102444800123456790`,
  'm,host=b s="thirty-one bytes, not one more.." 4102444800123456791',
  'm,host=b s="thirty-two bytes, not one more..." 4102444800123456792',
].join('\n');

export const packRequests: readonly Readonly<Record<string, string>>[] = [
  { q: 'SELECT * FROM m' },
  { q: 'SELECT f, i FROM m', epoch: 'ns' },
  { q: 'SELECT * FROM m GROUP BY host', epoch: 'ms' },
  { q: 'SELECT count(i), mean(f) FROM m' },
  { q: 'SELECT * FROM none' },
  { q: 'SHOW DATABASES' },
  { q: 'SHOW FIELD KEYS; SELECT * FROM none; SHOW TAG VALUES WITH KEY = host' },
  {
    q: 'SELECT i FROM m WHERE host = $host LIMIT 2',
    params: '{"host":"a"}',
    time_format: 'rfc3339',
  },
  { q: 'SELECT' },
  { q: 'SELECT i FROM none..m' },
  { q: 'SELECT i FROM m', chunked: 'true', chunk_size: '5' },
  { q: '' },
];
