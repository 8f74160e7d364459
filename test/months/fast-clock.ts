/** Loaded before a node's own code, in its threads too: from here on `Date.now` is the fast clock (fast-time.ts). */
import { fastMs, fastTimeOf } from './fast-time.ts';

const time = fastTimeOf(process.env);
const realNow = Date.now.bind(Date);
if (time !== undefined) Date.now = () => fastMs(time, realNow());
