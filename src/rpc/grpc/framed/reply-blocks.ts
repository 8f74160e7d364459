import { replyHeaders } from '../serve-call.ts';
import { okTrailers } from '../status.ts';
import { encodeHeaders, type Headers } from './header-block.ts';

/** What stands before the first reply. */
export const replyBlock = encodeHeaders({ ...replyHeaders, ':status': '200' });
/** What stands behind the last one where all is well. */
export const okBlock = encodeHeaders(okTrailers as Headers);
