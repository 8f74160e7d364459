import { expect, test } from 'vitest';
import { Statistics } from '../../telemetry/statistics.ts';
import { showDiagnostics, showStats } from './show-monitor.ts';

test('show stats: a series per component and tags, columns sorted', async () => {
  const statistics = new Statistics();
  statistics.add(() => [{ name: 'write', tags: {}, values: { req: 2, pointReq: 1 } }]);
  statistics.add(() => [{ name: 'httpd', tags: { bind: ':8086' }, values: { req: 7 } }]);
  const all = showStats(await statistics.read(), '');
  expect(all).toEqual([
    { kind: 'rows', name: 'httpd', tags: [['bind', ':8086']], columns: ['req'], rows: [[7]] },
    { kind: 'rows', name: 'write', columns: ['pointReq', 'req'], rows: [[1, 2]] },
  ]);
  expect(showStats(await statistics.read(), 'write')).toEqual([all[1]]);
  expect(showStats(await statistics.read(), 'none')).toEqual([]);
});

test('show diagnostics: a series per module, sorted', () => {
  const diagnostics = [
    { name: 'system', values: { uptime: '1s', PID: 3 } },
    { name: 'build', values: { Version: '1' } },
  ];
  const all = showDiagnostics(diagnostics, '');
  expect(all.map(({ name }) => name)).toEqual(['build', 'system']);
  expect(all[1]).toEqual({ kind: 'rows', name: 'system', columns: ['PID', 'uptime'], rows: [[3, '1s']] }); // prettier-ignore
  expect(showDiagnostics(diagnostics, 'build')).toEqual([all[0]]);
});

test('show diagnostics: of what there are several of, a row each, in the order of its columns', () => {
  const table = {
    name: 'graphite:tcp::2003',
    columns: ['remote', 'local'],
    rows: [['a:1', 'b:2']],
  };
  const [shown] = showDiagnostics([table, { name: 'a', values: { x: 1 } }], 'graphite:tcp::2003');
  expect(shown).toEqual({ kind: 'rows', ...table });
});
