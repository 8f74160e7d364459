import type { Env } from '../../../src/env/env.ts';
import type { CommandSet } from '../../../src/meta/command/command-set.ts';
import { MetaNode } from '../../../src/meta/server/meta-node.ts';
import { createRpcHandlers } from '../../../src/rpc/rpc-service.ts';

/** The production meta node on a simulated machine, listening at its name. */
export async function startSimMeta(
  env: Env,
  name: string,
  options: { readonly commandSet?: CommandSet } = {},
): Promise<MetaNode> {
  const { clock, random, log, transport } = env;
  const kv = await env.kv.open('meta');
  const onFatal = (error: unknown): void => {
    throw error;
  };
  const node = await MetaNode.open(
    { clock, random, log, kv, transport, onFatal },
    {
      httpAddress: `${name}:8091`,
      tcpAddress: `${name}:8089`,
      tickMs: 100,
      electionTicks: 10,
      heartbeatTicks: 1,
      snapshotEntries: 20,
      snapshotShare: 0,
      ...options,
    },
  );
  await transport.listen(`${name}:8089`, createRpcHandlers(node.membership, node.methods));
  return node;
}
