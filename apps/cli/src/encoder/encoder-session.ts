import type { OrtRuntime } from '@ddcl/backend-ort';
import { DdclError } from '@ddcl/core';
import { messageOf } from '../output/message-of.ts';

type Session = Awaited<ReturnType<OrtRuntime['InferenceSession']['create']>>;
type Values = Session['outputMetadata'];

/** Token vectors of a batch, [rows, length, dimension]; what lies under padding means nothing. */
export interface BatchVectors {
  readonly data: Float32Array;
  readonly length: number;
}

/** The model, and what config.json says of it. */
export interface EncoderFile {
  /** Weights beside it are found. */
  readonly path: string;
  /** Vector length that config.json states, for models that leave it open. */
  readonly hidden: number | undefined;
  /** Id of the token that fills up. */
  readonly padding: number;
}

/** An encoder's ONNX model that is open. */
export interface EncoderModel {
  /** Length m of a token vector. */
  readonly dimension: number;
  /** Most tokens that its inputs have room for; undefined where they have room for any. */
  readonly mostTokens: number | undefined;
  /** @param rows ids of each document, all >= 1 long and none longer than {@link mostTokens} */
  run(rows: readonly Int32Array[], signal?: AbortSignal): Promise<BatchVectors>;
  /** Frees the model. */
  dispose(): Promise<void>;
}

const inputs = ['input_ids', 'attention_mask', 'token_type_ids'] as const;
const needed: readonly string[] = ['input_ids', 'attention_mask'];
/** What exporters call token vectors, for encoders that have other outputs of three axes. */
const usual = ['last_hidden_state', 'token_embeddings'];

const describe = (values: Values): string =>
  values
    .map((value) => (value.isTensor ? `${value.name} ${value.type} [${value.shape.join(', ')}]` : value.name))
    .join('; ');

/** An encoder's ONNX model in ONNX Runtime, on all cores. */
export class EncoderSession implements EncoderModel {
  readonly #session: Session;
  readonly #ort: OrtRuntime;
  readonly #output: string;
  readonly #padding: bigint;
  /** Rows and length that the model takes and no others; undefined where it takes any. */
  readonly #fixed: readonly [rows: number | undefined, length: number | undefined];
  readonly dimension: number;

  private constructor(ort: OrtRuntime, session: Session, output: string, dimension: number, padding: number) {
    this.#ort = ort;
    this.#session = session;
    this.#output = output;
    this.#padding = BigInt(padding);
    this.dimension = dimension;
    const [rows, length] = session.inputMetadata.flatMap((input) =>
      input.isTensor && input.name === 'input_ids' ? input.shape : [],
    );
    this.#fixed = [typeof rows === 'number' ? rows : undefined, typeof length === 'number' ? length : undefined];
  }

  get mostTokens(): number | undefined {
    return this.#fixed[1];
  }

  /**
   * @throws DdclError `format` for a model that ONNX Runtime refuses; `unsupported` for inputs or outputs of another kind
   */
  static async open(ort: OrtRuntime, { path, hidden, padding }: EncoderFile): Promise<EncoderSession> {
    let session: Session;
    try {
      session = await ort.InferenceSession.create(path, { executionProviders: ['cpu'], logSeverityLevel: 4 });
    } catch (cause) {
      const reason = messageOf(cause).split('\n')[0];
      throw new DdclError('format', `ONNX Runtime cannot open ${path}: ${reason}`, { cause });
    }
    try {
      const output = checkModel(session, path);
      const width = output.shape[2];
      const dimension = typeof width === 'number' ? width : hidden;
      if (dimension === undefined) {
        throw new DdclError(
          'format',
          `Neither ${path} nor config.json (hidden_size) says how long its token vectors are.`,
        );
      }
      return new EncoderSession(ort, session, output.name, dimension, padding);
    } catch (error) {
      await session.release();
      throw error;
    }
  }

  async run(rows: readonly Int32Array[]): Promise<BatchVectors> {
    const [most = rows.length, fixedLength] = this.#fixed;
    const length = fixedLength ?? rows.reduce((longest, ids) => Math.max(longest, ids.length), 0);
    const data = new Float32Array(rows.length * length * this.dimension);
    for (let first = 0; first < rows.length; first += most) {
      const part = rows.slice(first, first + most);
      const vectors = await this.#runOnce(part, [most, length]);
      data.set(vectors.subarray(0, part.length * length * this.dimension), first * length * this.dimension);
    }
    return { data, length };
  }

  /** @param shape of the inputs: rows without a document are padding like the ends of the others */
  async #runOnce(rows: readonly Int32Array[], shape: readonly [number, number]): Promise<Float32Array> {
    const length = shape[1];
    const ids = new BigInt64Array(shape[0] * length).fill(this.#padding);
    const mask = new BigInt64Array(ids.length);
    rows.forEach((row, index) => {
      for (let place = 0; place < row.length; place++) ids[index * length + place] = BigInt(row[place]!);
      mask.fill(1n, index * length, index * length + row.length);
    });
    const data = { input_ids: ids, attention_mask: mask, token_type_ids: new BigInt64Array(ids.length) };
    const feeds = Object.fromEntries(
      inputs
        .filter((name) => this.#session.inputNames.includes(name))
        .map((name) => [name, new this.#ort.Tensor('int64', data[name], shape)]),
    );
    const results = await this.#session.run(feeds, [this.#output]);
    const vectors = results[this.#output]!;
    if (vectors.dims.join() !== [...shape, this.dimension].join()) {
      throw new DdclError(
        'shape',
        `The encoder gave ${this.#output} of shape [${vectors.dims.join(', ')}] for ids of shape [${shape.join(', ')}]; expected [${[...shape, this.dimension].join(', ')}].`,
      );
    }
    return vectors.data as Float32Array;
  }

  async dispose(): Promise<void> {
    await this.#session.release();
  }
}

/** @returns the output of token vectors */
function checkModel(
  { inputMetadata, outputMetadata }: Session,
  path: string,
): { name: string; shape: readonly (number | string)[] } {
  const names = inputMetadata.map(({ name }) => name);
  const isKnown = (name: string): boolean => (inputs as readonly string[]).includes(name);
  const longs = inputMetadata.every((value) => value.isTensor && value.type === 'int64');
  if (!needed.every((name) => names.includes(name)) || !names.every(isKnown) || !longs) {
    throw new DdclError(
      'unsupported',
      `${path} takes ${describe(inputMetadata)}; an encoder takes input_ids and attention_mask, with or without token_type_ids, all int64. Export it as a model of features.`,
    );
  }
  const wide = outputMetadata.filter((value) => value.isTensor && value.type === 'float32' && value.shape.length === 3);
  const named = usual.map((name) => wide.find((value) => value.name === name)).find((value) => value !== undefined);
  const output = named ?? (wide.length === 1 ? wide[0] : undefined);
  if (output?.isTensor !== true) {
    throw new DdclError(
      'unsupported',
      `${path} has ${wide.length === 0 ? 'no output' : 'several outputs'} of token vectors, float32 [batch, sequence, m]; it has ${describe(outputMetadata)}. Export the encoder with its last hidden state.`,
    );
  }
  return output;
}
