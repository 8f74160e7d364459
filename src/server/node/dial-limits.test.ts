import { expect, test } from 'vitest';
import { Config } from '../../config/config.ts';
import { dataKeys } from '../../config/data-keys.ts';
import { fragmentMethod } from '../../data/shards/fragment-message.ts';
import { answerMethod, blocksMethod, describeMethod, listMethod, marksMethod, writeShardsMethod } from '../../data/shards/shard-methods.ts'; // prettier-ignore
import { askedByQueries, dialLimits } from './dial-limits.ts';

test('dial limits: queries alone wait so long for a connection, and 0 is no limit of their own', () => {
  const methods = [describeMethod, listMethod, marksMethod, fragmentMethod, answerMethod, blocksMethod]; // prettier-ignore
  expect(askedByQueries).toEqual(methods.map(({ path }) => path));
  const limits = (text: string) => dialLimits(Config.read({ text, environment: {}, keys: dataKeys })); // prettier-ignore
  expect(limits('')(fragmentMethod.path)).toBe(1_000);
  expect(limits('[cluster]\ndial-timeout = "250ms"')(listMethod.path)).toBe(250);
  expect(limits('')(writeShardsMethod.path)).toBeUndefined();
  expect(limits('[cluster]\ndial-timeout = "0s"')(listMethod.path)).toBeUndefined();
});
