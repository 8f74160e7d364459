import { DbError } from '../../../base/errors.ts';
import { dataArrayKeys } from '../../../config/data-keys.ts';
import { GraphiteListener } from '../../../services/listeners/graphite/graphite-listener.ts';
import { pairOf } from '../../../services/listeners/graphite/templates.ts';
import { makePolicy } from '../../../services/listeners/ingest-target.ts';
import { ingressUsers } from '../../../data/engine/ingress-users.ts';
import { listenerKind, openBatcher } from './listener-kind.ts';

export const graphite = listenerKind('graphite', dataArrayKeys.graphite, {
  shown: ['bind-address', 'protocol', 'database', 'retention-policy', 'batch-size', 'batch-pending', 'batch-timeout'], // prettier-ignore
  open: async (section, parts) => {
    const { clock, inbound, log, meta } = parts;
    const database = section.get('database');
    const retentionPolicy = section.get('retention-policy');
    const protocol = section.get('protocol');
    const network = protocol.toLowerCase();
    if (network !== 'tcp' && network !== 'udp')
      throw new DbError('invalid_argument', `unrecognized Graphite input protocol ${protocol}`);
    log.info('Starting graphite service', { batch_size: section.get('batch-size'), batch_timeout: `${section.get('batch-timeout')}ms` }); // prettier-ignore
    const batcher = openBatcher(parts, {
      login: ingressUsers.graphite,
      database,
      retentionPolicy,
      level: section.get('consistency-level'),
      stepNs: 1n,
      batchPointsMax: section.get('batch-size'),
      pendingMax: section.get('batch-pending'),
      batchMs: section.get('batch-timeout'),
      prepare: () => makePolicy(meta, database, retentionPolicy),
      unpreparedText: 'Required database or retention policy do not yet exist',
    });
    return GraphiteListener.open(
      { clock, inbound, log, batcher },
      {
        bind: section.get('bind-address'),
        network,
        bufferBytes: section.get('udp-read-buffer'),
        templates: section.get('templates'),
        separator: section.get('separator'),
        tags: section.get('tags').map(pairOf),
      },
    );
  },
});
