import { StorageEngine } from '../../data/engine/storage-engine.ts';
import { serveEngine } from '../../env/node/engine/serve-engine.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';

/** The thread of one engine worker. What takes it longest is done before it knows which one it is. */
compiledKernels();
serveEngine((settings, ports) => StorageEngine.create(settings, ports));
