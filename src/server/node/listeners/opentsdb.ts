import { DbError, errorText } from '../../../base/errors.ts';
import { dataArrayKeys } from '../../../config/data-keys.ts';
import { parseConsistencyLevel } from '../../../data/write/consistency.ts';
import { NodeSecureSockets, type SecureSettings } from '../../../env/node/network/node-secure-sockets.ts'; // prettier-ignore
import { PutApi } from '../../../http/opentsdb/put-api.ts';
import { makeDatabase } from '../../../services/listeners/ingest-target.ts';
import { OpenTsdbListener } from '../../../services/listeners/opentsdb/opentsdb-listener.ts';
import { settingsOf } from '../secure-peers.ts';
import { ingressUsers } from '../../../data/engine/ingress-users.ts';
import { listenerKind, openBatcher, type ListenerParts } from './listener-kind.ts';

export const opentsdb = listenerKind('opentsdb', dataArrayKeys.opentsdb, {
  shown: ['bind-address', 'database', 'retention-policy', 'batch-size', 'batch-pending', 'batch-timeout'], // prettier-ignore
  open: async (section, parts) => {
    const { clock, jobs, log, writer, writeTimeoutMs: timeoutMs } = parts;
    const target = {
      database: section.get('database'),
      retentionPolicy: section.get('retention-policy'),
      stepNs: 1n,
    };
    const level = section.get('consistency-level');
    const batcher = openBatcher(parts, {
      login: ingressUsers.opentsdb,
      ...target,
      level,
      batchPointsMax: section.get('batch-size'),
      pendingMax: section.get('batch-pending'),
      batchMs: section.get('batch-timeout'),
      prepare: () => makeDatabase(parts.meta, target.database),
      unpreparedText: 'Required database does not yet exist',
    });
    const secureSockets = section.get('tls-enabled')
      ? await openTls(parts, {
          certificatePath: section.get('certificate'),
          keyPath: section.get('private-key'),
          isOpenTaken: section.get('insecure-certificate'),
        })
      : undefined;
    const write = (body: Uint8Array): Promise<void> =>
      writer.write({
        ...target,
        body,
        level: parseConsistencyLevel(level),
        timeoutMs,
        login: ingressUsers.opentsdb,
      });
    const http = await PutApi.open({ clock, jobs, log, write });
    try {
      return await OpenTsdbListener.open(
        { ...parts, batcher, http, secureSockets },
        { bind: section.get('bind-address'), logPointErrors: section.get('log-point-errors') },
      );
    } catch (error) {
      secureSockets?.close();
      await http.close();
      throw new DbError('unavailable', `opentsdb: error creating listener: ${errorText(error)}`, { cause: error }); // prettier-ignore
    }
  },
});

async function openTls(
  { clock, config, log }: ListenerParts,
  files: SecureSettings['files'],
): Promise<NodeSecureSockets> {
  try {
    return await NodeSecureSockets.open({ clock, log }, settingsOf(config, files));
  } catch (error) {
    const text = `opentsdb: error creating TLS manager: ${errorText(error)}`;
    throw new DbError('invalid_argument', text, { cause: error });
  }
}
