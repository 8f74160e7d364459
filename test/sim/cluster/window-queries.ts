/** Continuous queries of a run. */
export const windowQueries: readonly string[] = [
  'CREATE CONTINUOUS QUERY plain ON d BEGIN SELECT count(i) AS n INTO plain FROM q GROUP BY time(2s), client END',
  'CREATE CONTINUOUS QUERY wide ON d RESAMPLE EVERY 1s FOR 6s BEGIN SELECT count(i) AS n INTO wide FROM q GROUP BY time(3s), client END',
];

/** Measurements that the queries write to. */
export const windowMeasurements: readonly string[] = ['plain', 'wide'];
/** And the one that they read. */
export const sourceMeasurement = 'q';
