import {
  isSegmentOutput,
  needsTokenSums,
  outputShape,
  outputWidth,
  preprocessTokens,
  readoutTerms,
  createSegmentFinisher,
  SegmentAccumulator,
  type DdclModel,
  type Preprocessing,
  type ReadoutOutput,
  type ReadoutTerms,
  type SegmentFinisher,
  type SegmentOutput,
} from '@ddcl/core/fit';
import {
  allocate,
  BoundedCache,
  bytesPerElement,
  type Backend,
  type DeviceBuffer,
  type Executable,
} from '@ddcl/core/backend';
import { layoutOf, type SequenceLayout } from '../sequences/layout.ts';
import { PaddingArrays } from '../sequences/pad.ts';
import type { PaddedBatch } from '../sequences/padded-batch.ts';
import { planRows } from '../sequences/plan-rows.ts';
import type { TokenBatch } from '../sequences/token-batch.ts';
import { requireDimension } from '../sequences/token-input.ts';
import { encodeProgram, type RunResult } from './encode-program.ts';
import type { Encoded, EncodedArray, EncodedPrecision } from './encoded.ts';
import { normalizeVectors } from '../numbers/normalize-vectors.ts';
import { addParts, requireFinite, scatter, setRows, type Numbers } from './place-rows.ts';
import { quantize } from './quantize.ts';

/** Options of one `encode`, filled in. */
export interface EncodeSettings {
  readonly outputs: readonly ReadoutOutput[];
  /** In the tokens' units squared. */
  readonly temperature: number;
  /** Outputs whose vectors get length 1. */
  readonly normalize: ReadonlySet<ReadoutOutput>;
  readonly precision: EncodedPrecision;
}

/** Tokens of one run, padding included: few enough to stay in the caches between the upload and the product. */
const tokensPerRun = 4096;

/** Executables kept ready; each is for one number of rows, length and set of results. */
const cachedExecutables = 48;

/** The same for what finishes long sequences, one for each set of outputs. */
const cachedFinishers = 4;

/** A batch as the model sees it. */
export function preprocessed(batch: TokenBatch, preprocessing: Preprocessing | undefined): TokenBatch {
  if (preprocessing === undefined) return batch;
  return { ...batch, data: preprocessTokens(batch.data, batch.shape.at(-1)!, preprocessing) };
}

/** Applies a model to batches of sequences on a backend. Holds compiled programs, and the model's numbers on the device. */
export class SequenceEncoder {
  readonly #backend: Backend;
  /** Without its preprocessing, which batches go through here. */
  readonly #model: DdclModel;
  readonly #preprocessing: Preprocessing | undefined;
  readonly #executables: BoundedCache<Promise<Executable>>;
  readonly #finishers: BoundedCache<SegmentFinisher>;
  readonly #padding: PaddingArrays;
  #ready: { temperature: number; terms: ReadoutTerms; buffers: DeviceBuffer[] } | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(backend: Backend, model: DdclModel) {
    this.#backend = backend;
    this.#model = { ...model, preprocessing: undefined };
    this.#preprocessing = model.preprocessing;
    this.#padding = new PaddingArrays(model.dtype);
    this.#executables = new BoundedCache(cachedExecutables, (made) => {
      made.then((executable) => executable.dispose()).catch(() => {});
    });
    this.#finishers = new BoundedCache(cachedFinishers, (finisher) => finisher.dispose());
  }

  /**
   * @throws DdclError `shape` for another hidden size or lengths that do not fit; `dtype` for float64 tokens to a float32 readout's
   *   backend; `data` for tokens that are not finite, naming the sequence
   */
  encode(batch: TokenBatch, settings: EncodeSettings): Promise<Encoded> {
    // One after the other: they share the padding's arrays.
    const made = this.#last.then(() => this.#encode(batch, settings));
    this.#last = made.catch(() => {});
    return made;
  }

  async #encode(given: TokenBatch, settings: EncodeSettings): Promise<Encoded> {
    const model = this.#model;
    const layout = layoutOf(given);
    requireDimension(given, model.dimension);
    const batch = preprocessed(given, this.#preprocessing);
    const { outputs, temperature, normalize } = settings;
    const isNormalized = normalize.has('residuals');
    const perToken = outputs.filter((output) => !isSegmentOutput(output));
    const perSequence = outputs.filter(isSegmentOutput);
    const withSums = perSequence.some(needsTokenSums);
    const sums: RunResult[] = perSequence.length === 0 ? [] : withSums ? ['mass', 'sums'] : ['mass'];
    // A NaN among the tokens does not show in codes.
    const check: RunResult[] = outputs.every((output) => output === 'codes') ? ['mass'] : [];
    const data = new Map<RunResult, Numbers>();
    for (const output of outputs) {
      const rows = isSegmentOutput(output) ? layout.sequences : layout.tokens;
      const numbers = allocate(output === 'codes' ? 'int32' : model.dtype, rows * outputWidth(output, model));
      data.set(output, numbers as Numbers);
    }
    const parts = new SegmentAccumulator(model.count, withSums ? model.count * model.dimension : 0);
    const long = new Set<number>();
    for (const plan of planRows(layout.offsets, this.#budget())) {
      const padded = this.#padding.pad(batch.data, layout, plan);
      const results = [...check, ...(plan.isWhole ? perSequence : sums), ...perToken];
      const made = await this.#run(padded, results, isNormalized, temperature);
      requireFinite(made, padded, results);
      if (!plan.isWhole && sums.length > 0) addParts(padded, made, parts, long);
      for (const output of perToken) scatter(made.get(output)!, data.get(output)!, layout, plan);
      if (plan.isWhole)
        for (const output of perSequence) setRows(made.get(output)!, data.get(output)!, padded.sequences);
    }
    if (long.size > 0) {
      const finisher = await this.#finisher(perSequence, isNormalized, temperature);
      for (const sequence of long) {
        const finished = await finisher.finish(parts, sequence, sequence + 1);
        perSequence.forEach((output, index) => setRows(finished[index]!.data, data.get(output)!, [sequence]));
      }
    }
    return this.#encoded(batch, layout, data, settings);
  }

  #budget(): number {
    const { count, dimension, dtype } = this.#model;
    const bytes = bytesPerElement(dtype) * Math.max(count, dimension);
    return Math.min(tokensPerRun, Math.floor(this.#backend.capabilities.maxBufferBytes / bytes));
  }

  /** The model's numbers at a temperature, on the host and on the device. */
  #at(temperature: number): { readonly terms: ReadoutTerms; readonly buffers: readonly DeviceBuffer[] } {
    if (this.#ready?.temperature === temperature) return this.#ready;
    this.#free();
    const { count, dimension, dtype, prototypes } = this.#model;
    const terms = readoutTerms(this.#model, temperature);
    const upload = (shape: readonly number[], values: Float64Array): DeviceBuffer =>
      this.#backend.upload({ dtype, shape }, dtype === 'float32' ? Float32Array.from(values) : values);
    const buffers = [
      upload([dimension, count], terms.keys),
      upload([count], terms.bias),
      upload([count, dimension], terms.prototypes),
      upload([count, dimension], prototypes),
      upload([dimension], terms.offset),
    ];
    this.#ready = { temperature, terms, buffers };
    return this.#ready;
  }

  async #run(
    { tokens, weights, rows, length }: PaddedBatch,
    results: readonly RunResult[],
    isNormalized: boolean,
    temperature: number,
  ): Promise<Map<RunResult, Numbers>> {
    const backend = this.#backend;
    const { count, dimension, dtype, totalVariance } = this.#model;
    const { terms, buffers: shared } = this.#at(temperature);
    const { isFramed } = terms;
    const spread = Math.sqrt(totalVariance);
    const key = [rows, length, isNormalized, ...results].join(' ');
    let executable = this.#executables.get(key);
    if (executable === undefined) {
      const sizes = { rows, length, count, dimension, dtype, isFramed, isNormalized, spread, results };
      executable = backend.compile(encodeProgram(sizes));
      this.#executables.set(key, executable);
    }
    const ready = await executable;
    const inputs = [
      backend.upload({ dtype, shape: [rows, length, dimension] }, tokens),
      backend.upload({ dtype, shape: [rows, length] }, weights),
      ...shared,
    ];
    const buffers = await ready.run(inputs, { donate: [0, 1] });
    try {
      const downloaded = await Promise.all(buffers.map((buffer) => backend.download(buffer)));
      return new Map(results.map((result, index) => [result, downloaded[index] as Numbers]));
    } finally {
      for (const buffer of buffers) backend.free(buffer);
    }
  }

  /** Makes outputs of sequences whose parts were summed. */
  async #finisher(
    outputs: readonly SegmentOutput[],
    isNormalized: boolean,
    temperature: number,
  ): Promise<SegmentFinisher> {
    const key = [isNormalized, ...outputs].join(' ');
    let finisher = this.#finishers.get(key);
    if (finisher === undefined) {
      const { count, dimension, dtype, prototypes: absolute, totalVariance } = this.#model;
      const { offset } = this.#at(temperature).terms;
      const state = { count, dimension, dtype, absolute, frame: { offset, scale: 1 } };
      const options = { rows: 1, spread: Math.sqrt(totalVariance), isNormalized };
      finisher = await createSegmentFinisher(this.#backend, state, outputs, options);
      this.#finishers.set(key, finisher);
    }
    return finisher;
  }

  #encoded(
    batch: TokenBatch,
    layout: SequenceLayout,
    data: ReadonlyMap<RunResult, Numbers>,
    { outputs, normalize, precision }: EncodeSettings,
  ): Encoded {
    const { sequences, offsets, places } = layout;
    const encoded: { [output in ReadoutOutput]?: EncodedArray } = {};
    for (const output of outputs) {
      const leading = isSegmentOutput(output) ? [sequences] : batch.shape.slice(0, -1);
      const shape = [...leading, ...outputShape(output, this.#model)];
      const numbers = data.get(output)!;
      if (numbers instanceof Int32Array) encoded[output] = { precision: 'int32', shape, data: numbers };
      else {
        if (normalize.has(output) && output !== 'residuals') normalizeVectors(numbers, shape.at(-1)!);
        encoded[output] = quantize(numbers, shape, precision);
      }
    }
    let empty = 0;
    for (let sequence = 0; sequence < sequences; sequence++) {
      if (offsets[sequence + 1] === offsets[sequence]) empty++;
    }
    return { ...encoded, sequences, empty, tokens: places.length };
  }

  #free(): void {
    for (const buffer of this.#ready?.buffers ?? []) this.#backend.free(buffer);
    this.#ready = undefined;
  }

  dispose(): void {
    this.#free();
    this.#executables.clear();
    this.#finishers.clear();
  }
}
