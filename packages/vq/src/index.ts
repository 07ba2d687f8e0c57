// What a quantizer is
export { quantizerKinds, type QuantizerKind, type QuantizerSpec } from './spec/spec.ts';
export { resolveSpec, type ResolvedSpec } from './spec/resolve.ts';
export { createState, type QuantizerState } from './state/state.ts';
export { codebookChecksum } from './state/checksum.ts';
export { quantizerFormatVersion, stateFromBytes, stateToBytes } from './state/bytes.ts';

// Applying it
export type { Latents } from './apply/latents.ts';
export { quantize, type CodeReport, type QuantizedLatents, type SoftReport } from './apply/quantize.ts';
export { createDecoder, decode, type DecodeOptions, type Decoder } from './apply/decode.ts';
export { decodeCodes } from './apply/decode-codes.ts';
export { topCodes, type TopCodes } from './apply/top-codes.ts';
export { encodeCodes, type EncodedCodes } from './apply/encode-codes.ts';
export { createCodeCounter, type CodeCounter, type CodeUse, type PlaceUse } from './report/code-use.ts';

// Codes as bytes
export {
  codesFormatVersion,
  packedHeader,
  packedLength,
  packIndices,
  readPackedHeader,
  unpackIndices,
  type PackedCodes,
  type PackedHeader,
} from './pack/pack-indices.ts';

// Fitting it to vectors
export { initialize, type InitializeOptions } from './fit/initialize.ts';
export { fitQuantizer, type FitQuantizerOptions, type FitQuantizerResult } from './fit/fit-quantizer.ts';
export type { FitRecord } from './fit/record.ts';
export { update, type UpdateOptions } from './fit/update.ts';

// Search on codes
export { createCodeSearch, type CodeHits, type CodeSearch } from './search/code-search.ts';

// As programs of their own, for ONNX files
export { decoderProgram, encoderProgram } from './export/quantizer-programs.ts';
export { imageEncoderProgram } from './autoencoder/image-program.ts';

// Training it inside a program
export {
  quantizerPart,
  type AppliedOperands,
  type AppliedResults,
  type PartOperands,
  type PartResults,
  type QuantizerPart,
} from './part/quantizer-part.ts';
export type { DrawnInput, QuantizerSchedule } from './part/controls.ts';
export { rotateTo } from './composite/rotate-to.ts';
export { straightThrough } from './composite/straight-through.ts';
export { scaleNorm, type ScaleStatistics } from './composite/scale-norm.ts';

// Images
export { trainAutoencoder, type TrainedAutoencoder } from './autoencoder/train-autoencoder.ts';
export type { AutoencoderEpoch, AutoencoderOptions } from './autoencoder/options.ts';
export {
  autoencoderChecksum,
  autoencoderFormatVersion,
  autoencoderFromBytes,
  autoencoderToBytes,
  type Autoencoder,
} from './autoencoder/autoencoder.ts';
export { decodeImages, encodeImages, type ImageCodes } from './autoencoder/apply.ts';
export { createEvaluator, type AutoencoderQuality, type Evaluator } from './autoencoder/evaluate.ts';
export type { BlockLayout, Images, PixelScale } from './autoencoder/images.ts';
export type { NetworkSizes } from './autoencoder/network.ts';
