/** Bytes of connections, and what influxd 1.12.4 stored, counted, logged and answered of each: what we do of the same bytes. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { inOrder, pointsOf } from '../../../../test/support/golden-points.ts';
import { openTsdbCases as cases, openTsdbDiffers as differs } from '../../../../test/support/opentsdb-cases.ts'; // prettier-ignore
import { OpenTsdbSetting } from '../../../../test/support/opentsdb-setting.ts';

const compared = ['tlPointsRx', 'tlBytesRx', 'tlBadLine', 'tlBadTime', 'tlBadTag', 'tlBadFloat', 'tlConnsHandled', 'httpConnsHandled', 'connsHandled', 'droppedPointsInvalid']; // prettier-ignore

/** What it answers, as text, to what is sent and then ended. */
async function exchange(port: number, bytes: Uint8Array): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const parts: Buffer[] = [];
  socket.on('data', (part) => parts.push(part));
  socket.on('error', () => undefined);
  socket.end(bytes);
  await once(socket, 'close');
  return Buffer.concat(parts).toString('latin1');
}

/** Statuses and bodies; dates and how long a connection stays are not compared. */
function answersOf(text: string): string {
  return text
    .replaceAll(/^(?:Date|Connection|Keep-Alive|Content-Length|content-length): .*\r\n/gim, '')
    .replaceAll(/^[\w-]+(?=: )/gm, (name) => name.toLowerCase())
    .replaceAll(/(?<=\r\n)(?:[\w-]+: .*\r\n)+(?=\r\n)/g, (head) => head.split(/(?<=\n)/).sort().join('')); // prettier-ignore
}

test('opentsdb: what is stored, counted, logged and answered is the reference’s', async () => {
  await using setting = await OpenTsdbSetting.open();
  expect(cases.length).toBeGreaterThan(120);
  for (const { name, bytes, answer, points, statistics, log } of cases) {
    // The conflict is the cluster's to find.
    if (name === 'http: a conflict of types' || name === 'http: version 1.0') continue;
    const before = setting.counts();
    const answered = await exchange(setting.port, Buffer.from(bytes, 'base64'));
    const { written, lines } = setting.taken();
    const after = setting.counts();
    const counted = Object.fromEntries(
      compared.map((key) => [key, (after[key] ?? 0) - (before[key] ?? 0)]),
    );
    const difference = differs[name];
    if (difference !== undefined) {
      expect([name, counted]).toMatchObject([name, difference]);
      const stored = name === 'http: null in the list' ? points : [];
      expect([name, pointsOf(written)]).toEqual([name, stored]);
      continue;
    }
    expect([name, pointsOf(written)]).toEqual([name, inOrder(points)]);
    const wanted = Object.fromEntries(compared.map((key) => [key, statistics[key] ?? 0]));
    expect([name, counted]).toEqual([name, wanted]);
    const cleanAnswer = answer.replace(/<Connection.*$/, '');
    expect([name, answersOf(answered)]).toEqual([name, answersOf(cleanAnswer)]);
    const messages = log.map((line) => /msg="(.*?)"/.exec(line)?.[1]);
    expect([name, lines.map(({ message }) => message)]).toEqual([name, messages]);
  }
}, 60_000);
