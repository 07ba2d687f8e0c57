export type { TokenBatch, TokenInput } from './sequences/token-batch.ts';
export type { SequenceReader } from './sequences/sequence-reader.ts';
