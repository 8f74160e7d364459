import { DbError, errorText } from '../../../base/errors.ts';
import { dataArrayKeys } from '../../../config/data-keys.ts';
import { CollectdListener } from '../../../services/listeners/collectd/collectd-listener.ts';
import { makeDatabase } from '../../../services/listeners/ingest-target.ts';
import { ingressUsers } from '../../../data/engine/ingress-users.ts';
import { listenerKind, openBatcher } from './listener-kind.ts';

export const collectd = listenerKind('collectd', dataArrayKeys.collectd, {
  shown: ['bind-address', 'database', 'retention-policy', 'batch-size', 'batch-pending', 'batch-timeout'], // prettier-ignore
  open: (section, parts) => {
    const database = section.get('database');
    const batcher = openBatcher(parts, {
      login: ingressUsers.collectd,
      database,
      retentionPolicy: section.get('retention-policy'),
      level: 'any',
      stepNs: 1n,
      batchPointsMax: section.get('batch-size'),
      pendingMax: section.get('batch-pending'),
      batchMs: section.get('batch-timeout'),
      prepare: () => makeDatabase(parts.meta, database),
      unpreparedText: 'Required database not yet created',
    });
    const level = section.get('security-level');
    const opening = CollectdListener.open(
      { ...parts, batcher },
      {
        bind: section.get('bind-address'),
        bufferBytes: section.get('read-buffer'),
        typesPath: section.get('typesdb'),
        authPath: section.get('auth-file'),
        // The configuration has been checked for others.
        securityLevel: level === 'sign' || level === 'encrypt' ? level : 'none',
        multiValue: section.get('parse-multivalue-plugin') === 'join' ? 'join' : 'split',
      },
    );
    return opening.catch((error: unknown) => {
      const text = `unable to listen on UDP: ${errorText(error)}`;
      throw new DbError('unavailable', text, { cause: error });
    });
  },
});
