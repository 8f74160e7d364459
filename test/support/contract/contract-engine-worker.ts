import { serveEngine } from '../../../src/env/node/engine/serve-engine.ts';
import { createContractEngine } from './contract-engine.ts';

serveEngine(createContractEngine);
