import { notesOn } from '../../base/notes.ts';
import type { Fragment } from '../fragment.ts';
import { showingSeries } from './plan-feeds.ts';

export interface FragmentLane {
  readonly shardIds: readonly number[];
  readonly seriesMax: number;
  readonly pointsMax: number;
  readonly showsSeries: boolean;
}

/** The fragments of lanes that one was opened for: a plan that is run again opens the same objects again. */
const opened = notesOn<Fragment, Map<string, Fragment>>();
const lanesMax = 64;

export function fragmentOfLane(base: Fragment, { showsSeries, ...lane }: FragmentLane): Fragment {
  const key = `${lane.seriesMax} ${lane.pointsMax} ${showsSeries} ${lane.shardIds.join()}`;
  let lanes = opened.of(base);
  if (lanes === undefined) opened.keep(base, (lanes = new Map<string, Fragment>()));
  const known = lanes.get(key);
  if (known !== undefined) return known;
  const task = showsSeries ? showingSeries(base.task) : base.task;
  const fragment = { ...base, task, ...lane };
  if (lanes.size >= lanesMax) lanes.clear();
  lanes.set(key, fragment);
  return fragment;
}
