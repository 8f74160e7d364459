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
