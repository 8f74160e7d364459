import type { Statistic } from '../../telemetry/statistics.ts';
import type { NodeHealth } from './health-route.ts';

/** What `/health` tells in words, as numbers: for whoever watches nodes by `/metrics`, `_internal` or SHOW STATS. Ours, as the reference has none. */
export function healthStatistics(health: NodeHealth): readonly Statistic[] {
  const { opened, total, damaged, failing, isMember } = health;
  const values = {
    isMember: Number(isMember),
    shardsOpening: total - opened,
    shardsDamaged: damaged.length,
    shardsRefused: damaged.filter(({ isRefused }) => isRefused).length,
    storesFailing: new Set(failing.map(({ what }) => what)).size,
  };
  return [{ name: 'health', tags: {}, values }];
}
