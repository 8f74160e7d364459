import { expect, test } from 'vitest';
import { cpuSamples, encodeProfile, heapSamples } from './pprof.ts';

const frame = (functionName: string, lineNumber = 0) => ({ functionName, url: 'f.ts', lineNumber });

test('pprof: where a thread was found, as often and as long, without what is idle', () => {
  const nodes = [
    { id: 1, callFrame: frame('(root)'), children: [2, 4] },
    { id: 2, callFrame: frame('outer'), children: [3] },
    { id: 3, callFrame: frame('inner') },
    { id: 4, callFrame: frame('(idle)') },
  ];
  const samples = cpuSamples([
    { thread: 't', nodes, samples: [3, 3, 4, 2], timeDeltas: [0, 10, 20, 30] },
  ]);
  expect(samples).toEqual([
    { frames: [frame('inner'), frame('outer')], values: [2, 30_000], thread: 't' },
    { frames: [frame('outer')], values: [1, 0], thread: 't' },
  ]);
});

test('pprof: memory is counted where it was given out', () => {
  const leaf = { callFrame: frame('b'), selfSize: 5, children: [] };
  const root = {
    callFrame: frame('(root)'),
    selfSize: 9,
    children: [{ callFrame: frame('a'), selfSize: 0, children: [leaf] }],
  };
  expect(heapSamples([{ thread: 'main', head: root }])).toEqual([
    { frames: [frame('b'), frame('a')], values: [5], thread: 'main' },
  ]);
});

test('pprof: the bytes are those of profile.proto', () => {
  const types = [{ type: 'cpu', unit: 'ns' }];
  const samples = [{ frames: [frame('a', 299)], values: [300], thread: 'm' }];
  const bytes = encodeProfile(samples, { timeNs: 1n, durationNs: 2n, types });
  expect(Buffer.from(bytes).toString('hex')).toBe(
    [
      '0a0408011002', // sample_type: cpu, ns
      '120d0a01011202ac021a0408031004', // sample: location 1, value 300, label thread=m
      '2209080122050801' + '10ac02', // location 1: function 1, line 300
      '2a08080110051805' + '2006', // function 1: name, system name, file
      '3200' +
        '3203637075' +
        '32026e73' +
        '3206746872656164' +
        '32016d' +
        '320161' +
        '3204662e7473', // texts
      '48015002', // time, duration
      '5a0408011002' + '6001', // period type, period
    ].join(''),
  );
});
