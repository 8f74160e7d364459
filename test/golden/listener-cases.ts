/** What senders send to listeners besides HTTP: to a real influxd, which is recorded, and to ours, which is compared with it. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';

export interface ListenerCase {
  /** Its database too. */
  readonly name: string;
  readonly section: 'graphite' | 'udp';
  readonly network: 'tcp' | 'udp';
  /** TOML of the section besides `enabled`, `bind-address`, `protocol`, `database` and the batches. */
  readonly keys?: string;
  /** In Latin-1: each a datagram, or a piece of one connection. */
  readonly sends: readonly string[];
}

const graphite = (name: string, lines: readonly string[], keys = ''): ListenerCase => ({
  name: `graphite_${name}`,
  section: 'graphite',
  network: 'tcp',
  keys,
  sends: [lines.map((line) => `${line}\n`).join('')],
});
const udp = (name: string, sends: readonly string[], keys = ''): ListenerCase => ({
  name: `udp_${name}`,
  section: 'udp',
  network: 'udp',
  keys,
  sends,
});
const templates = (...all: readonly string[]): string => `templates = ${JSON.stringify(all)}`;

const t = 1_500_000_000;

const values = ['1', '-1', '+1', '0', '-0', '00012', '1.5', '.5', '5.', '.', '-.5', '1e3', '1E3', '1e+3', '1e-3', '1e', 'e1', '1e400', '-1e400', '1e-400', '0x10', '0x1p4', '0X1.8P-1', '0x', '0x1', '1_000', '1__0', '_1', '1_', '1_23.50_0_0e+1_2', 'NaN', 'nan', '+nan', 'Inf', '-inf', '+Infinity', 'infinit', '12345678901234567890', '123456789012345678901234567890.123456789', '0.1234567890123456789', '4.9e-324', '1.7976931348623157e308', '1.7976931348623159e308', '1i', 'true', '"1"', '1,5', '9007199254740993', '0b1', '1f', '--1', '1 ', '１']; // prettier-ignore

const times = ['0', '1', '-1', '-1.0', '-2', '-1.5', '-0.5', '1500000000.5', '1500000000.123', '1500000000.999999999', '1.5e9', '0x59682f00', '2147472000', '2147472001', '2147471999', '2147483647', '-2147483648', '-2147558400', '-2147558401', '-2147558400.5', '99999999999', '1500000000000', 'NaN', 'nan', 'Inf', '-Inf', '1e400', 'now', '', '1500000000i', '1_500_000_000', '+1500000000', '01500000000', '0.000000001', '1500000000.0000000001']; // prettier-ignore

export const listenerCases: readonly ListenerCase[] = [
  graphite('plain', ['a.b.c 1 1500000000', 'a 2 1500000001', 'a.b.c 3 1500000002', '.a. 4 1500000003', 'a..b 5 1500000004', '. 6 1500000005', 'a.b 7']), // prettier-ignore
  graphite(
    'values',
    values.map((value, i) => `v.${i} ${value} ${t + i}`),
  ),
  graphite(
    'times',
    times.map((time, i) => `t.${i} ${i} ${time}`),
  ),
  graphite('fields', ['', ' ', 'a', 'a 1 2 3', ' a.b  1\t1500000000 ', 'a.c 1 1500000000\r', 'a.d\v1\f1500000001', 'a.e\xc2\xa01\xe2\x80\x831500000002', 'a.f\xc2\x851 1500000003\xe3\x80\x80', 'a.h\0 1 1500000005']), // prettier-ignore
  graphite('names', ['a,b 1 1500000000', 'a=b 2 1500000001', 'a"b 3 1500000002', 'a\\b 4 1500000003', 'b\\,c 5 1500000004', "a'b 6 1500000005", 'ä.ö 7 1500000006'.replaceAll(/[^\0-\xff]/g, '?'), '\xc3\xa4.\xc3\xb6 8 1500000007', '\xff\xfe.x 9 1500000008', `${'x'.repeat(300)} 10 1500000009`, '-a 11 1500000010', '{a} 12 1500000011', 'a;b=c 13 1500000012', 'time 14 1500000013', '_field 15 1500000014']), // prettier-ignore
  graphite('templates', ['servers.h1.cpu.load 1 1500000000', 'servers.h1.cpu 2 1500000001', 'servers.h1 3 1500000002', 'servers 4 1500000003', 'stats.x.y.z 5 1500000004', 'stats.local.y.z 6 1500000005', 'other.a.b 7 1500000006', 'servers.h2.cpu.load.five 8 1500000007'], templates('servers.* .host.measurement*', 'stats.* .host.measurement', 'stats.local .measurement.tail', 'region.measurement*')), // prettier-ignore
  graphite('specific', ['a.b.c 1 1500000000', 'a.x.c 2 1500000001', 'x.b.c 3 1500000002', 'x.y.c 4 1500000003', 'a.b 5 1500000004', 'a 6 1500000005', 'x 7 1500000006', 'a.b.c.d 8 1500000007', '*.b.c 9 1500000008'], templates('*.* one.measurement.two', 'a.* three.measurement.four', 'a.b five.six.measurement', '*.b measurement.seven.eight', 'a.*.c measurement.nine')), // prettier-ignore
  graphite('inherit', ['a.b 1 1500000000', 'a.b.c 2 1500000001', 'a 3 1500000002', 'a.z.c 4 1500000003', 'a.z 5 1500000004'], templates('a one.measurement', 'a.*.c two.measurement', 'a.b.d three.measurement')), // prettier-ignore
  graphite('repeated', ['a.b.c.d 1 1500000000', 'a.b 2 1500000001', 'a 3 1500000002'], templates('host.measurement.host.measurement')), // prettier-ignore
  graphite('fieldpart', ['a.b.c 1 1500000000', 'a.b 2 1500000001', 'a.b. 3 1500000002', 'a.b.c.d 4 1500000003', 'a.b.x,y 5 1500000004', 'a.b.x=y 6 1500000005', 'a.b.x"y 7 1500000006', 'a.b.x\\y 8 1500000007', 'a.b.time 9 1500000008'], templates('measurement.host.field')), // prettier-ignore
  graphite('fieldstar', ['a.b.c 1 1500000000', 'a.b.c.d.e 2 1500000001', 'a.b 3 1500000002'], `${templates('measurement.host.field*')}\nseparator = "_"`), // prettier-ignore
  graphite('twofields', ['a.b.c 1 1500000000', 'a.b 2 1500000001', 'a..c 3 1500000002'], templates('measurement.field.field')), // prettier-ignore
  graphite('twostars', ['a.b.c 1 1500000000', 'a 2 1500000001'], templates('measurement*.field*')),
  graphite('tags', ['a.b 1 1500000000', 'c.d 2 1500000001', 'c. 3 1500000002', '. 4 1500000003'], `${templates('a.* measurement.host region=north,host=x', 'measurement.host')}\ntags = ["region=south", "zone=1c", "host=none"]`), // prettier-ignore
  graphite('oddtags', ['a.b,c 1 1500000000', 'a.b=c 2 1500000001', 'a.b\\,c 4 1500000003', 'a."b" 5 1500000004', 'a.\xc3\xa4 6 1500000005'], templates('measurement.tag')), // prettier-ignore
  graphite('nomeasurement', ['a 1 1500000000', 'a.b 2 1500000001', 'a. 3 1500000002'], templates('host.measurement')), // prettier-ignore
  graphite('separator', ['a.b.c 1 1500000000'], `${templates('measurement.host.measurement')}\nseparator = "-"`), // prettier-ignore
  graphite('defaults', ['a.b.c 1 1500000000', 'x.b.c 2 1500000001'], templates('x.* .measurement', 'measurement.first')), // prettier-ignore
  graphite('order', ['z.y.x 1 1500000000'], templates('zone.measurement.alpha beta=1')),
  { ...graphite('halves', []), sends: ['a.b 1 15000', '00000\na.c 2 1500000001\na.d 3', ' 1500000002\na.e 4 1500000003'] }, // prettier-ignore
  { name: 'graphite_udp', section: 'graphite', network: 'udp', sends: ['a.b 1 1500000000\na.c 2 1500000001', 'bad\n\n a.d 3 1500000002 \na.e NaN 1500000003', '', '\n'] }, // prettier-ignore
  udp('plain', ['m,t=a f=1 1500000000000000000', 'm f=2i 1\nm g="x y" 2\n', 'm f=3 3\n\n# comment\nm f=4 4']), // prettier-ignore
  udp('partly', ['m f=1 1\nbad\nm f=2 2', 'm f=3 3']),
  udp('seconds', ['m f=1 1500000000', 'm f=2 1500000001\nm f=3 1500000002'], 'precision = "s"'),
  udp('unknown', ['m f=1 1500000000', 'm f=2 1500000001'], 'precision = "q"'),
  udp('odd', ['m s="a\nb" 1', 'm s="open 2\nm f=3 3', '\0\xff\xfe', 'm\\ x,a\\,b=c\\=d f\\ g=1 4', 'm,b=2,a=1 f=1 5', 'm,a=1,a=2 f=1 6', '  m f=1 7', 'm f=1 8\r\nm f=2 9', 'm f=1  10 ', 'm f=1,f=2 11', 'm f=1,f=2i 12', 'm,t= f=1 13', 'm\xff f=1 14', '\\#m f=1 15', 'm s="\xff" 16', 'm f=1u 17', 'm b=t 18', `m s="${'x'.repeat(60_000)}" 19`, 'm f=9223372036854775808i 20', 'm f=1 9223372036854775807', 'm time=1 21', 'm,time=x f=1 22', ' ', '\n', '']), // prettier-ignore
  udp('conflict', ['m f=1 1', 'm f="x" 2\nm f=3 3', 'm f=4 4']),
];

/** Sends what a case has, one datagram after the other so that none is lost, or as one connection. */
export async function sendCase(
  { network, sends }: ListenerCase,
  port: number,
  pause: () => Promise<void>,
): Promise<void> {
  if (network === 'udp') {
    const socket = createSocket('udp4');
    for (const send of sends) {
      await new Promise((resolve) => {
        socket.send(Buffer.from(send, 'latin1'), port, '127.0.0.1', resolve);
      });
      await pause();
    }
    socket.close();
    return;
  }
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  for (const send of sends) {
    await new Promise((resolve) => socket.write(Buffer.from(send, 'latin1'), resolve));
    await pause();
  }
  socket.end();
  await once(socket.resume(), 'close');
}

/** The sections of all cases; each has a port of its own, the first one this. */
export function sectionsOf(cases: readonly ListenerCase[], portFirst: number): string {
  return cases
    .map(({ name, section, network, keys = '' }, i) =>
      [
        `[[${section}]]`,
        'enabled = true',
        `bind-address = "127.0.0.1:${portFirst + i}"`,
        ...(section === 'graphite' ? [`protocol = "${network}"`] : []),
        `database = "${name}"`,
        'batch-timeout = "500ms"',
        keys,
      ].join('\n'),
    )
    .join('\n');
}

export interface ListenerAnswer {
  readonly name: string;
  /** Of all its points, by series. */
  readonly answer: string;
  readonly statistics: Readonly<Record<string, number>>;
}

/** What was stored of a case, and what its listener counted, once all has been written. */
export async function answerOf(
  one: ListenerCase,
  bind: string,
  query: (q: string, database: string) => Promise<string>,
): Promise<ListenerAnswer> {
  const shown = await query(`SHOW STATS FOR '${one.section}'`, '');
  const { results } = JSON.parse(shown) as {
    results: [{ series: { tags: { bind: string }; columns: string[]; values: number[][] }[] }];
  };
  const own = results[0].series.find(({ tags }) => tags.bind === bind);
  const counts = own?.columns.map((column, i) => [column, own.values[0]?.[i] ?? 0] as const) ?? [];
  const answer = await query('SELECT * FROM /.*/ GROUP BY *', one.name);
  return { name: one.name, answer, statistics: Object.fromEntries(counts) };
}
