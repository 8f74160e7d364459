import { dataArrayKeys } from '../../../config/data-keys.ts';
import { precisionNs } from '../../../models/line-protocol.ts';
import { makeDatabase } from '../../../services/listeners/ingest-target.ts';
import { UdpListener } from '../../../services/listeners/udp/udp-listener.ts';
import { ingressUsers } from '../../../data/engine/ingress-users.ts';
import { listenerKind, openBatcher } from './listener-kind.ts';

export const udp = listenerKind('udp', dataArrayKeys.udp, {
  shown: ['bind-address', 'database', 'retention-policy', 'batch-size', 'batch-pending', 'batch-timeout', 'precision'], // prettier-ignore
  open: (section, parts) => {
    const { clock, inbound, log, meta } = parts;
    const database = section.get('database');
    // As the reference, one that is none counts nanoseconds.
    const stepNs = precisionNs.get(section.get('precision')) ?? 1n;
    const batcher = openBatcher(parts, {
      login: ingressUsers.udp,
      database,
      retentionPolicy: section.get('retention-policy'),
      level: 'any',
      stepNs,
      batchPointsMax: section.get('batch-size'),
      pendingMax: section.get('batch-pending'),
      batchMs: section.get('batch-timeout'),
      prepare: () => makeDatabase(meta, database),
      unpreparedText: 'Required database does not yet exist',
    });
    const options = { bind: section.get('bind-address'), bufferBytes: section.get('read-buffer'), stepNs }; // prettier-ignore
    return UdpListener.open({ clock, inbound, log, batcher }, options);
  },
});
