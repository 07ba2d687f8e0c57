import { DdclError } from '@ddcl/core';
import {
  createOnlineFit,
  fit,
  modelFromBytes,
  modelToBytes,
  readoutOutputs,
  temperatureOf,
  type DdclModel,
  type FitOptions,
  type FitResult,
  type GivenTemperature,
  type OnlineFit,
  type ReadoutOutput,
} from '@ddcl/core/fit';
import type { Backend } from '@ddcl/core/backend';
import { concatenateEncoded } from '../encode/concatenate.ts';
import type { Encoded, EncodedPrecision } from '../encode/encoded.ts';
import { preprocessed, SequenceEncoder, type EncodeSettings } from '../encode/sequence-encoder.ts';
import type { CollectOptions } from '../sequences/collect-tokens.ts';
import {
  batchesOf,
  isBatch,
  requireDimension,
  tokenBlocks,
  tokenSource,
  type FitInput,
} from '../sequences/token-input.ts';
import type { TokenBatch, TokenInput } from '../sequences/token-batch.ts';

/** What belongs to tokens that are given as one batch; in a stream each batch has its own. */
export type BatchOptions = Pick<TokenBatch, 'mask' | 'segments' | 'weights'>;

/** Options of {@link Readout.fit}: those of core's `fit`, and the backend. */
export interface ReadoutFitOptions extends Omit<FitOptions, 'prototypes'>, BatchOptions {
  readonly backend: Backend;
  /** K. Default 8, with which residuals are hardly behind more of them up to a few thousand labelled documents (docs/results/readout-guide.md). */
  readonly prototypes?: number;
  /** How tokens of a stream that comes once, such as `extractTokens(...)`, are kept while the fit passes over them. */
  readonly collect?: CollectOptions;
}

export interface ReadoutEncodeOptions<Asked extends ReadoutOutput = ReadoutOutput> extends BatchOptions {
  /** What to return, all in one pass. Default `['pooled']`. */
  readonly outputs?: readonly Asked[];
  /**
   * Give vectors length 1: of all outputs, or of those that are named. Residuals get it prototype by prototype, then as a whole (VLAD).
   * Default false.
   */
  readonly normalize?: boolean | readonly ReadoutOutput[];
  /** Default `float32` (float64 for a float64 readout). */
  readonly precision?: EncodedPrecision;
  /** T > 0, in the tokens' units squared, or a share of the model's critical temperature, as `{ ofCritical: 0.03 }`. Default: the model's. */
  readonly temperature?: GivenTemperature;
}

export interface PartialFitOptions extends BatchOptions {
  /** Adam's rate, in units of the tokens' root-mean-square deviation per component. Default 0.01. */
  readonly learningRate?: number;
}

/**
 * A readout: K prototypes on top of an encoder, in the place of mean pooling. It is fitted once on token vectors, then turns the tokens of a
 * sequence into what is asked for. Encoding changes nothing; only `partialFit` does.
 */
export class Readout {
  readonly #backend: Backend;
  #model: DdclModel;
  #encoder: SequenceEncoder;
  #online: OnlineFit | undefined;
  /** What the fit measured; undefined for a readout that was read from bytes or a model. */
  readonly fitted: FitResult | undefined;

  private constructor(backend: Backend, model: DdclModel, fitted?: FitResult) {
    this.#backend = backend;
    this.#model = model;
    this.#encoder = new SequenceEncoder(backend, model);
    this.fitted = fitted;
  }

  /**
   * Fits prototypes to the tokens of sequences; labels are not needed.
   *
   * @param tokens a batch, a list of batches, a stream of batches (read once and collected without padding, in at most `collect.memory` bytes), or
   *   a function that opens a stream anew for each pass
   * @throws DdclError as core's `fit`; `shape` for batches that do not fit; `limit` for a stream of more tokens than `collect` has room for
   */
  static async fit(tokens: FitInput, options: ReadoutFitOptions): Promise<Readout> {
    const { backend, collect, mask, segments, weights, prototypes = 8, ...fitOptions } = options;
    const source = await tokenSource(
      isBatch(tokens) ? withOptions(tokens, { mask, segments, weights }) : tokens,
      collect,
    );
    const fitted = await fit(backend, source, { prototypes, ...fitOptions });
    return new Readout(backend, fitted.model, fitted);
  }

  /** A readout of prototypes that are there already. */
  static fromModel(model: DdclModel, { backend }: { readonly backend: Backend }): Readout {
    return new Readout(backend, model);
  }

  /**
   * A readout that was kept. What `ddcl fit --normalize` or `--standardize` did to the tokens is in the file and is done to those of `encode` and
   * `partialFit` as well: they take tokens as the encoder gives them; `outputs`, `pooled` and `summaries` are in units of what came of it.
   *
   * @throws DdclError `format` for bytes that {@link toBytes} (or `ddcl fit`, as `model.safetensors`) did not write
   */
  static fromBytes(bytes: Uint8Array | ArrayBuffer, { backend }: { readonly backend: Backend }): Readout {
    return new Readout(backend, modelFromBytes(bytes));
  }

  /** The prototypes with what is needed to apply them: plain data. */
  get model(): DdclModel {
    return this.#model;
  }

  /**
   * Moves the prototypes by one optimiser step per about 4,096 tokens, at the model's temperature: for tokens that come over time. The
   * optimiser's state is kept in memory between calls, not in `toBytes`.
   */
  async partialFit(tokens: TokenInput, { learningRate = 0.01, ...own }: PartialFitOptions = {}): Promise<void> {
    const { preprocessing, dimension } = this.#model;
    this.#online ??= await createOnlineFit(this.#backend, { ...this.#model, preprocessing: undefined });
    async function* batches(): AsyncGenerator<TokenBatch> {
      for await (const batch of batchesOf(tokens, own)) {
        requireDimension(batch, dimension);
        yield preprocessed(batch, preprocessing);
      }
    }
    await this.#online.add(tokenBlocks(batches()), learningRate);
    this.#model = { ...(await this.#online.model()), ...(preprocessing && { preprocessing }) };
    this.#encoder.dispose();
    this.#encoder = new SequenceEncoder(this.#backend, this.#model);
  }

  /**
   * Reads sequences out. A sequence without tokens gives zeros and is counted.
   *
   * @throws DdclError `argument` for options out of range; `temperature` as core's `temperatureOf`; `shape` for another hidden size or lengths that do not fit; `data` for
   *   tokens that are not finite, naming the sequence
   */
  async encode<Asked extends ReadoutOutput = 'pooled'>(
    tokens: TokenInput,
    options: ReadoutEncodeOptions<Asked> = {},
  ): Promise<Encoded<Asked>> {
    const settings = this.#settings(options);
    if (isBatch(tokens)) return (await this.#encoder.encode(withOptions(tokens, options), settings)) as Encoded<Asked>;
    const parts: Encoded[] = [];
    for await (const part of this.encodeStream(tokens, options)) parts.push(part);
    return concatenateEncoded(parts, this.#model, settings.outputs) as Encoded<Asked>;
  }

  /** As {@link encode}, one result per batch, when it is made: memory is that of a batch. */
  async *encodeStream<Asked extends ReadoutOutput = 'pooled'>(
    tokens: TokenInput,
    options: ReadoutEncodeOptions<Asked> = {},
  ): AsyncGenerator<Encoded<Asked>> {
    const settings = this.#settings(options);
    for await (const batch of batchesOf(tokens, options))
      yield (await this.#encoder.encode(batch, settings)) as Encoded<Asked>;
  }

  /** A `model.safetensors` as `ddcl fit` writes it. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return modelToBytes(this.#model);
  }

  /** Frees what this readout holds on the backend; the backend stays the caller's. */
  dispose(): void {
    this.#encoder.dispose();
    this.#online?.dispose();
    this.#online = undefined;
  }

  #settings({
    outputs = ['pooled'],
    normalize = false,
    precision = 'float32',
    temperature: given = this.#model.temperature,
  }: ReadoutEncodeOptions): EncodeSettings {
    const temperature = temperatureOf(given, this.#model.criticalTemperature);
    const unknown = outputs.find((output) => !readoutOutputs.includes(output));
    if (unknown !== undefined || outputs.length === 0) {
      throw new DdclError(
        'argument',
        `outputs must name some of ${readoutOutputs.join(', ')}, but ${unknown === undefined ? 'is empty' : `has '${String(unknown)}'`}.`,
      );
    }
    const sign = outputs.find((output) => output === 'occupancy' || output === 'assignments');
    if (precision === 'binary' && sign !== undefined) {
      throw new DdclError(
        'argument',
        `binary keeps signs, and ${sign} has no negative numbers. Ask for int8, or for pooled, summaries or residuals.`,
      );
    }
    if (!(temperature > 0 && temperature < Infinity)) {
      throw new DdclError('argument', `temperature must be a number > 0, but is ${temperature}.`);
    }
    const isNormal =
      typeof normalize === 'boolean' ? () => normalize : (output: ReadoutOutput) => normalize.includes(output);
    return { outputs, normalize: new Set(outputs.filter(isNormal)), precision, temperature };
  }
}

/** A batch with the mask, segments or weights that were given beside it. */
function withOptions(
  batch: TokenBatch,
  { mask, segments, weights }: { [name in keyof BatchOptions]?: BatchOptions[name] | undefined },
): TokenBatch {
  return {
    ...batch,
    ...(mask === undefined ? {} : { mask }),
    ...(segments === undefined ? {} : { segments }),
    ...(weights === undefined ? {} : { weights }),
  };
}
