import { isDbError } from '../../base/errors.ts';
import { isNodeFailure } from './choose-owners.ts';

/** Failure of one node that took part in a statement: it can go on with other owners. */
export class NodeFailure extends Error {
  readonly nodeId: number;

  constructor(nodeId: number, cause: unknown) {
    super('a node failed', { cause });
    this.nodeId = nodeId;
  }
}

/** Work that one node does: what is the node's failure becomes a NodeFailure. */
export async function onNode<T>(nodeId: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isNodeFailure(error) ? new NodeFailure(nodeId, error) : error;
  }
}

/** What the node failed with; any other error as it is. */
export function causeOf(error: unknown): unknown {
  return error instanceof NodeFailure ? error.cause : error;
}

/** What whoever reads has to say of the statement itself: no node failed, and nothing that nobody expected. */
export function isRefusal(error: unknown): boolean {
  const cause = causeOf(error);
  return isDbError(cause) && !isNodeFailure(cause);
}
