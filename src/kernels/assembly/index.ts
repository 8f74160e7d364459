export { countedEquals, countMarks } from './bytes';
export {
  columns,
  consumed,
  dictionaryBytes,
  greatestTime,
  heapBase,
  init,
  leastTime,
  listOdd,
  oddLines,
  parse,
  parseBodies,
  reset,
} from './lines';
export { internKey, keyPointer, keyRoom, keys, leftKey, leftKeys, setKey } from './keys';
export { fieldSetPointer, fieldSetTotal, setFieldSet } from './field-sets';
export {
  collect,
  collectedLines,
  collectedMax,
  collectedMin,
  collectedOrdinals,
  collectedSeries,
  collectedSeriesBytes,
  collectedSeriesPlaces,
  route,
  shapeFieldSet,
  shapeMeasurement,
  shapeTotal,
  workBytes,
  writeSeriesBytes,
  writeSeriesOffsets,
} from './route';
export { blockRows, decodeBlock, decodeEnd, reverseBytes, reverseWords } from './blocks';
export { foldBlocks, foldWorkBytes } from './block-folds';
export { foldColumns, packWindows, windowRows } from './windows';
export { andMask, compareFloats, compareIntegers, compareUnsigned, orMask, rowsOfMask } from './masks';
export { encodeBlock, encodeTimes, setClose } from './encode';
export { gatherBytes, gatherWords, isAscending, orderRows } from './rows';
export { shapesBytes, shapesValues, writeShapes } from './batch-shapes';
export { fieldTextBytes, gatherFieldBytes, gatherFieldWords, gatherTexts } from './gather';
export { listRuns, runWorkBytes } from './run-rows';
export { tableFind, tableFindAll, tableIntern, tableRehash } from './table';
export { byteCountsBytes, countBytes, moveByByte } from './sort-words';
export { areSorted, listMembers, listTag, resolveSeries, selectMembers, sortEnd, sortPass, sortStart, unknownSeries } from './series';
export {
  addToWords,
  chainRows,
  chainedSince,
  chunkBytes,
  chunkSequences,
  chunkTextBytes,
  chunkTexts,
  chunkWords,
  endRow,
  firstRow,
  listHeads,
  moveHeads,
  placeTexts,
  rowsOfSeries,
} from './chunks';
export { crcOf } from './crc';
export { keepRecords, listRecords, noteRecords, recordsOfShard, sequencesOfRecords, slotRecords } from './records';
export { arePlacedInTime, listPlaced, orderPlaced, placeBytes, placeRows, placeSeries, placeWords } from './placed';
export { flushedBlocks, flushedIndex, flushSeries, flushWorkBytes } from './flush';
export { jsonPicked, jsonRows } from './json';
