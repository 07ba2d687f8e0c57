import { DdclError, type FloatDType, type Program } from '@ddcl/core';
import type { Backend, DeviceBuffer, Executable } from '@ddcl/core/backend';
import type { PaddedBatch } from '../sequences/padded-batch.ts';
import type { SequenceReader } from '../sequences/sequence-reader.ts';
import { DocumentBatches } from './document-batch.ts';
import { bucketLengths, groupDocuments, type DocumentGroup } from './length-buckets.ts';
import { headToTraining, type HeadNumbers } from './head-units.ts';
import { logitsProgram } from './supervised-program.ts';
import type { SupervisedPart } from './supervised-part.ts';

/** Numbers as a host array of a dtype. */
export function toDType(values: ArrayLike<number>, dtype: FloatDType): Float32Array | Float64Array {
  return dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values);
}

/** Executables of one kind of program, one per padded length. */
export class ExecutableByLength {
  readonly #backend: Backend;
  readonly #make: (length: number) => Program;
  readonly #known = new Map<number, Executable>();

  constructor(backend: Backend, make: (length: number) => Program) {
    this.#backend = backend;
    this.#make = make;
  }

  async get(length: number): Promise<Executable> {
    const executable = this.#known.get(length) ?? (await this.#backend.compile(this.#make(length)));
    this.#known.set(length, executable);
    return executable;
  }

  dispose(): void {
    for (const executable of this.#known.values()) executable.dispose();
    this.#known.clear();
  }
}

/** Documents of a reader in padded batches of a part, few lengths, and logits of them on a backend. */
export class BatchRunner {
  readonly #backend: Backend;
  readonly #part: SupervisedPart;
  readonly #reader: SequenceReader;
  readonly #batches: DocumentBatches;
  readonly #buckets: readonly number[];
  readonly #logits: ExecutableByLength;
  readonly #classes: number;
  /** Rows of every batch. */
  readonly rows: number;

  /** @throws DdclError `shape` for tokens of another dimension; `limit` for batches that the backend cannot hold */
  constructor(
    backend: Backend,
    part: SupervisedPart,
    reader: SequenceReader,
    {
      batch,
      paddedLengths,
      classes,
    }: { readonly batch: number; readonly paddedLengths: number; readonly classes: number },
  ) {
    if (reader.dimension !== part.dimension) {
      throw new DdclError(
        'shape',
        `The documents' tokens have dimension ${reader.dimension}, but the model ${part.dimension}. Use tokens of the encoder that it was fitted on.`,
      );
    }
    this.#backend = backend;
    this.#part = part;
    this.#reader = reader;
    this.#classes = classes;
    this.rows = Math.max(1, Math.min(batch, reader.sequences));
    this.#buckets = bucketLengths(reader.lengths, paddedLengths);
    const longest = this.#buckets.at(-1)!;
    const bytes = this.rows * longest * part.dimension * (part.dtype === 'float32' ? 4 : 8);
    if (bytes > backend.capabilities.maxBufferBytes) {
      throw new DdclError(
        'limit',
        `${this.rows} documents of ${longest} tokens take ${bytes} bytes, but ${backend.name} allows ${backend.capabilities.maxBufferBytes}. Use a smaller batch.`,
      );
    }
    this.#batches = new DocumentBatches(reader, part.frame, part.dtype, this.rows);
    this.#logits = new ExecutableByLength(backend, (length) =>
      logitsProgram(part, { rows: this.rows, length, classes }),
    );
  }

  groups(order: ArrayLike<number>): DocumentGroup[] {
    return groupDocuments(order, this.#reader.lengths, this.#buckets, this.rows);
  }

  read(group: DocumentGroup): Promise<PaddedBatch> {
    return this.#batches.read(group);
  }

  /** Tokens and weights of a batch on the device; the caller frees both. */
  upload({ tokens, weights, length }: PaddedBatch): [DeviceBuffer, DeviceBuffer] {
    const { dtype, dimension } = this.#part;
    return [
      this.#backend.upload({ dtype, shape: [this.rows, length, dimension] }, tokens),
      this.#backend.upload({ dtype, shape: [this.rows, length] }, weights),
    ];
  }

  /** A part's parameter or a head's numbers on the device; the caller frees it. */
  uploadNumbers(shape: readonly number[], values: ArrayLike<number>): DeviceBuffer {
    const { dtype } = this.#part;
    return this.#backend.upload({ dtype, shape }, toDType(values, dtype));
  }

  /** Head's weights and bias, then all parameters of the part where they start; the caller frees them. */
  uploadAll(head: HeadNumbers): DeviceBuffer[] {
    const { weights, bias } = headToTraining(head, this.#part);
    return [
      this.uploadNumbers([this.#classes, this.#part.slope.length], weights),
      this.uploadNumbers([this.#classes], bias),
      ...this.#part.parameters.map(({ shape, values }) => this.uploadNumbers(shape, values)),
    ];
  }

  /**
   * Logits of documents, group by group as they are made.
   *
   * @param held head's weights and bias, then the part's parameters; stay the caller's
   */
  async logits(
    documents: ArrayLike<number>,
    held: readonly DeviceBuffer[],
    use: (document: number, logits: Float64Array) => void,
  ): Promise<void> {
    for (const group of this.groups(documents)) {
      const executable = await this.#logits.get(group.length);
      const inputs = [...this.upload(await this.read(group)), ...held];
      const [result] = await executable.run(inputs, { donate: [0, 1] });
      const logits = Float64Array.from((await this.#backend.download(result!)) as Float32Array);
      this.#backend.free(result!);
      group.documents.forEach((document, row) =>
        use(document, logits.subarray(row * this.#classes, (row + 1) * this.#classes)),
      );
    }
  }

  dispose(): void {
    this.#logits.dispose();
  }
}
