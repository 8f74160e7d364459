import { StorageEngine } from '../../data/engine/storage-engine.ts';
import { serveEngine } from '../../env/node/engine/serve-engine.ts';

/** The thread of one engine worker. */
await serveEngine((settings, ports) => StorageEngine.create(settings, ports));
