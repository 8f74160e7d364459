export {
  countByte,
  dictionaryBytes,
  fieldSetPointer,
  fieldSetTotal,
  greatestTime,
  heapBase,
  init,
  keyPointer,
  keys,
  leastTime,
  parse,
  reset,
  values,
} from './lines';
export { blockRows, decodeBlock, reverseBytes, reverseWords } from './blocks';
export { firstNotBefore, foldFloats, foldIntegers, foldUnsigned, packWindows } from './windows';
export { andMask, compareFloats, compareIntegers, compareUnsigned, orMask, rowsOfMask } from './masks';
export { encodeBlock, encodeTimes } from './encode';
export { collectRows, gatherBytes, gatherWords, isAscending, orderRows } from './rows';
export { gatherFieldBytes, gatherFieldWords } from './gather';
