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
export { firstNotBefore, summarizeFloats, summarizeIntegers, summarizeUnsigned } from './windows';
export { andMask, compareFloats, compareIntegers, compareUnsigned, orMask, rowsOfMask } from './masks';
