import { isNodeFailure } from '../shards/choose-owners.ts';

/** Failure of one node, so that the query can go on without it. */
export class NodeFailure extends Error {
  readonly nodeId: number;

  constructor(nodeId: number, cause: unknown) {
    super('a node failed', { cause });
    this.nodeId = nodeId;
  }
}

export async function onNode<T>(nodeId: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isNodeFailure(error) ? new NodeFailure(nodeId, error) : error;
  }
}

export function causeOf(error: unknown): unknown {
  return error instanceof NodeFailure ? error.cause : error;
}
