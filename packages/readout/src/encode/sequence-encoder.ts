import { DdclError } from '@ddcl/core';
import type { DdclModel } from '@ddcl/core/fit';
import { BoundedCache, type Backend, type DeviceBuffer, type Executable } from '@ddcl/core/backend';
import { layoutOf, type SequenceLayout } from '../sequences/layout.ts';
import { PaddingArrays } from '../sequences/pad.ts';
import type { PaddedBatch } from '../sequences/padded-batch.ts';
import { planRows, type RowPlan } from '../sequences/plan-rows.ts';
import type { TokenBatch } from '../sequences/token-batch.ts';
import { encodeProgram, runResults, type RunResult } from './encode-program.ts';
import type { Encoded, EncodedArray, EncodedPrecision, ReadoutOutput } from './encoded.ts';
import { finishResiduals, finishSummaries } from './finish.ts';
import { normaliseVectors } from '../numbers/normalise-vectors.ts';
import { quantise } from './quantise.ts';
import { SequenceSums } from './sequence-sums.ts';
import { tokenTerms } from './token-terms.ts';

type Numbers = Float32Array | Float64Array;

/** Options of one `encode`, filled in. */
export interface EncodeSettings {
  readonly outputs: readonly ReadoutOutput[];
  /** In the tokens' units squared. */
  readonly temperature: number;
  /** Outputs whose vectors get length 1. */
  readonly normalise: ReadonlySet<ReadoutOutput>;
  readonly precision: EncodedPrecision;
}

/** Tokens of one run, padding included: few enough to stay in the caches between the upload and the product. */
const tokensPerRun = 4096;

/** Executables kept ready; each is for one number of rows, length and set of results. */
const cachedExecutables = 48;

const neededFor: Readonly<Record<ReadoutOutput, readonly RunResult[]>> = {
  outputs: ['outputs'],
  assignments: ['assignments'],
  pooled: ['pooled'],
  occupancy: ['occupancy'],
  summaries: ['occupancy', 'sums'],
  residuals: ['occupancy', 'sums'],
};

/** Applies a model to batches of sequences on a backend. Holds compiled programs, and the model's numbers on the device. */
export class SequenceEncoder {
  readonly #backend: Backend;
  readonly #model: DdclModel;
  readonly #executables: BoundedCache<Promise<Executable>>;
  readonly #padding: PaddingArrays;
  #terms: { temperature: number; framed: boolean; buffers: DeviceBuffer[] } | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(backend: Backend, model: DdclModel) {
    this.#backend = backend;
    this.#model = model;
    this.#padding = new PaddingArrays(model.dtype);
    this.#executables = new BoundedCache(cachedExecutables, (made) => {
      made.then((executable) => executable.dispose()).catch(() => {});
    });
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

  async #encode(batch: TokenBatch, settings: EncodeSettings): Promise<Encoded> {
    const model = this.#model;
    const layout = layoutOf(batch);
    if (layout.dimension !== model.dimension) {
      throw new DdclError(
        'shape',
        `The readout was fitted on tokens of hidden size ${model.dimension}, but these have ${layout.dimension}. Use the encoder that it was fitted on.`,
      );
    }
    const { outputs } = settings;
    const needed = new Set(outputs.flatMap((output) => neededFor[output]));
    const results = runResults.filter((result) => needed.has(result));
    const sums = new SequenceSums(model, layout, {
      occupancy: needed.has('occupancy'),
      pooled: needed.has('pooled'),
      sums: needed.has('sums'),
    });
    const perToken = {
      outputs: this.#numbers(needed.has('outputs') ? layout.tokens * model.dimension : 0),
      assignments: this.#numbers(needed.has('assignments') ? layout.tokens * model.count : 0),
    };
    const { framed, buffers } = this.#ready(settings.temperature);
    for (const plan of planRows(layout.offsets, this.#budget())) {
      const padded = this.#padding.pad(batch.data, layout, plan);
      const made = await this.#run(padded, results, framed, buffers);
      requireFinite(made, padded, results);
      sums.add(padded, made.get('occupancy'), made.get('pooled'), made.get('sums'));
      for (const kind of ['outputs', 'assignments'] as const) {
        const rows = made.get(kind);
        if (rows !== undefined) scatter(rows, perToken[kind], layout, plan);
      }
    }
    return this.#finish(batch, layout, sums, perToken, framed, settings);
  }

  #budget(): number {
    const { count, dimension, dtype } = this.#model;
    const bytes = (dtype === 'float32' ? 4 : 8) * Math.max(count, dimension);
    return Math.min(tokensPerRun, Math.floor(this.#backend.capabilities.maxBufferBytes / bytes));
  }

  #numbers(length: number): Numbers {
    return this.#model.dtype === 'float32' ? new Float32Array(length) : new Float64Array(length);
  }

  /** The model's numbers on the device, at a temperature. */
  #ready(temperature: number): { framed: boolean; buffers: readonly DeviceBuffer[] } {
    if (this.#terms?.temperature === temperature) return this.#terms;
    this.#free();
    const { count, dimension, dtype, prototypes, offset } = this.#model;
    const { framed, keys, bias } = tokenTerms(this.#model, temperature);
    const upload = (shape: readonly number[], values: Float64Array): DeviceBuffer =>
      this.#backend.upload({ dtype, shape }, dtype === 'float32' ? Float32Array.from(values) : values);
    const buffers = [
      upload([count, dimension], keys),
      upload([count], bias),
      upload([count, dimension], prototypes),
      upload([dimension], offset),
    ];
    this.#terms = { temperature, framed, buffers };
    return this.#terms;
  }

  async #run(
    { tokens, weights, rows, length }: PaddedBatch,
    results: readonly RunResult[],
    framed: boolean,
    shared: readonly DeviceBuffer[],
  ): Promise<Map<RunResult, Numbers>> {
    const backend = this.#backend;
    const { count, dimension, dtype } = this.#model;
    const key = [rows, length, framed, ...results].join(' ');
    let executable = this.#executables.get(key);
    if (executable === undefined) {
      executable = backend.compile(encodeProgram({ rows, length, count, dimension, dtype, framed, results }));
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

  #finish(
    batch: TokenBatch,
    layout: SequenceLayout,
    sums: SequenceSums,
    perToken: { readonly outputs: Numbers; readonly assignments: Numbers },
    framed: boolean,
    { outputs, normalise, precision }: EncodeSettings,
  ): Encoded {
    const model = this.#model;
    const { count, dimension } = model;
    const { sequences } = layout;
    const leading = batch.shape.slice(0, -1);
    const encoded: { [output in ReadoutOutput]?: EncodedArray } = {};
    const set = (output: ReadoutOutput, shape: readonly number[], data: Numbers): void => {
      if (normalise.has(output) && output !== 'residuals') normaliseVectors(data, shape.at(-1)!);
      encoded[output] = quantise(data, shape, precision);
    };
    const wants = (output: ReadoutOutput): boolean => outputs.includes(output);
    // Residuals first: summaries are written over the sums, and occupancies may be normalised.
    if (wants('residuals')) {
      const into = wants('summaries') ? this.#numbers(sums.sums.length) : sums.sums;
      set(
        'residuals',
        [sequences, count, dimension],
        finishResiduals(sums, model, framed, normalise.has('residuals'), into),
      );
    }
    if (wants('summaries')) set('summaries', [sequences, count, dimension], finishSummaries(sums, model, framed));
    if (wants('pooled')) set('pooled', [sequences, dimension], sums.pooled);
    if (wants('occupancy')) set('occupancy', [sequences, count], sums.occupancy);
    if (wants('outputs')) set('outputs', [...leading, dimension], perToken.outputs);
    if (wants('assignments')) set('assignments', [...leading, count], perToken.assignments);
    let empty = 0;
    for (let sequence = 0; sequence < sequences; sequence++) {
      if (layout.offsets[sequence + 1] === layout.offsets[sequence]) empty++;
    }
    return { ...encoded, sequences, empty, tokens: layout.places.length };
  }

  #free(): void {
    for (const buffer of this.#terms?.buffers ?? []) this.#backend.free(buffer);
    this.#terms = undefined;
  }

  dispose(): void {
    this.#free();
    this.#executables.clear();
  }
}

/** Puts rows of a run where their tokens stand in the batch; tokens that do not count stay zeros. */
function scatter(rows: Numbers, into: Numbers, { places, tokens }: SequenceLayout, { pieces, length }: RowPlan): void {
  const width = into.length / tokens;
  pieces.forEach(({ start, count }, row) => {
    for (let index = 0; index < count; index++) {
      const from = (row * length + index) * width;
      into.set(rows.subarray(from, from + width), places[start + index]! * width);
    }
  });
}

/** One number per row tells: a NaN or an infinity among the tokens reaches all assignments of its row. */
function requireFinite(
  made: ReadonlyMap<RunResult, Numbers>,
  { rows, length, sequences }: PaddedBatch,
  results: readonly RunResult[],
): void {
  const first = results[0]!;
  const numbers = made.get(first)!;
  const width = numbers.length / rows;
  const perToken = first === 'outputs' || first === 'assignments';
  for (let row = 0; row < rows; row++) {
    if (sequences[row]! < 0) continue;
    for (let index = 0; index < width; index += perToken ? width / length : 1) {
      const value = numbers[row * width + index]!;
      if (value - value === 0) continue;
      throw new DdclError(
        'data',
        `The tokens of sequence ${sequences[row]} (counted from 0) hold a number that is not finite. Look at the encoder's output for it.`,
      );
    }
  }
}
