import { DdclError, type Random } from '@ddcl/core';
import { cosineSchedule } from '@ddcl/core/train';
import type { Backend, DeviceBuffer, Executable } from '@ddcl/core/backend';
import type { BatchRunner, ExecutableByLength } from './batch-runner.ts';
import type { HeadEpoch, ResolvedHeadOptions } from './head-options.ts';
import type { LabelledDocuments } from './label-split.ts';
import type { DocumentGroup } from './length-buckets.ts';
import type { SupervisedPart } from './supervised-part.ts';

/** Falls from 1 to a hundredth. */
const rateShare = cosineSchedule(1, 0.01);

/** The parameters of one epoch. */
export interface Kept {
  readonly weightDecay: number;
  readonly epoch: number;
  /** Of the documents held out; of the training documents where there are none. */
  readonly crossEntropy: number;
  /** Head's weights and bias, then the trained parameters. */
  readonly tensors: readonly Float64Array[];
}

/** One training from the start with one weight decay. */
export class TrainingRun {
  readonly #backend: Backend;
  readonly #part: SupervisedPart;
  readonly #runner: BatchRunner;
  readonly #steps: ExecutableByLength;
  readonly #documents: LabelledDocuments;
  readonly #options: ResolvedHeadOptions;
  readonly #weightDecay: number;
  readonly #fixed: readonly DeviceBuffer[];
  /** Trained tensors (head first), then their state. */
  #held: DeviceBuffer[];
  readonly #trained: number;
  #step = 0;

  constructor(
    backend: Backend,
    part: SupervisedPart,
    runner: BatchRunner,
    steps: ExecutableByLength,
    documents: LabelledDocuments,
    options: ResolvedHeadOptions,
    weightDecay: number,
  ) {
    this.#backend = backend;
    this.#part = part;
    this.#runner = runner;
    this.#steps = steps;
    this.#documents = documents;
    this.#options = options;
    this.#weightDecay = weightDecay;
    const classes = documents.classes.length;
    // Zeros: cross entropy is convex in the head, and equal classes are the honest start.
    const tensors = [
      { shape: [classes, part.slope.length], values: new Float64Array(classes * part.slope.length) },
      { shape: [classes], values: new Float64Array(classes) },
      ...part.parameters.filter(({ isTrained }) => isTrained),
    ];
    const upload = (shape: readonly number[], values: Float64Array): DeviceBuffer =>
      runner.uploadNumbers(shape, values);
    this.#trained = tensors.length;
    this.#fixed = part.parameters
      .filter(({ isTrained }) => !isTrained)
      .map(({ shape, values }) => upload(shape, values));
    this.#held = [
      ...tensors.map(({ shape, values }) => upload(shape, values)),
      ...tensors.flatMap(({ shape, values }) => [0, 1].map(() => upload(shape, new Float64Array(values.length)))),
    ];
  }

  async train(random: Random, history: HeadEpoch[]): Promise<Kept> {
    const { epochs, patience, onEpoch } = this.#options;
    const { train, validation } = this.#documents;
    let best: Kept | undefined;
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const own = random.fork(epoch);
      const order = own.permutation(train.length).map((index) => train[index]!);
      const groups = own.shuffle(this.#runner.groups(order));
      const means = await this.#epoch(groups, epoch);
      const measured = validation.length === 0 ? undefined : await this.#validate();
      const record = {
        epoch,
        weightDecay: this.#weightDecay,
        ...means,
        ...(measured === undefined ? {} : { validation: measured }),
      };
      history.push(record);
      onEpoch?.(record);
      const crossEntropy = (measured ?? means).crossEntropy;
      // Without documents held out the last epoch counts.
      if (measured === undefined && epoch < epochs) continue;
      if (best === undefined || crossEntropy < best.crossEntropy) {
        best = { weightDecay: this.#weightDecay, epoch, crossEntropy, tensors: await this.#read() };
      } else if (epoch - best.epoch >= patience) break;
    }
    return best!;
  }

  /** One pass: mean loss and its parts. */
  async #epoch(
    groups: readonly DocumentGroup[],
    epoch: number,
  ): Promise<Pick<HeadEpoch, 'loss' | 'crossEntropy' | 'lq' | 'accuracy'>> {
    const { epochs, signal, learningRate, partRate } = this.#options;
    const { labels, train } = this.#documents;
    let crossEntropy = 0;
    let penalty = 0;
    let correct = 0;
    let weight = 0;
    for (const [index, group] of groups.entries()) {
      if (signal?.aborted === true) throw new DdclError('aborted', 'Training was aborted by its signal.');
      const share = rateShare((epoch - 1 + index / groups.length) / epochs);
      const executable = await this.#steps.get(group.length);
      const batch = await this.#runner.read(group);
      const own = Int32Array.from(batch.sequences, (document) => (document < 0 ? -1 : labels[document]!));
      const controls = [learningRate * share, partRate * share, this.#weightDecay, ++this.#step];
      const sums = await this.#run(executable, [
        ...this.#runner.upload(batch),
        this.#backend.upload({ dtype: 'int32', shape: [this.#runner.rows] }, own),
        this.#runner.uploadNumbers([controls.length], controls),
      ]);
      crossEntropy += sums[0]!;
      penalty += sums[1]!;
      correct += sums[2]!;
      for (const each of batch.weights) weight += each;
    }
    const perDocument = crossEntropy / train.length;
    const perToken = weight > 0 ? penalty / weight : 0;
    const loss = perDocument + this.#part.penaltyWeight * perToken;
    if (!Number.isFinite(loss)) {
      throw new DdclError(
        'data',
        `The loss of epoch ${epoch} is not finite. Use lower rates, and look at the tokens' magnitudes.`,
      );
    }
    return { loss, crossEntropy: perDocument, lq: perToken, accuracy: correct / train.length };
  }

  /** Runs a step on its four inputs, which are consumed, and gives its sums. */
  async #run(executable: Executable, inputs: readonly DeviceBuffer[]): Promise<Float32Array | Float64Array> {
    const all = [...inputs, ...this.#fixed, ...this.#held];
    const donate = all.flatMap((buffer, index) => (this.#fixed.includes(buffer) ? [] : [index]));
    this.#held = [];
    const [sums, ...held] = await executable.run(all, { donate });
    this.#held = held;
    try {
      return (await this.#backend.download(sums!)) as Float32Array | Float64Array;
    } finally {
      this.#backend.free(sums!);
    }
  }

  async #validate(): Promise<{ readonly crossEntropy: number; readonly accuracy: number }> {
    const { labels, validation } = this.#documents;
    let crossEntropy = 0;
    let correct = 0;
    const parts = { fixed: [...this.#fixed], moving: this.#held.slice(2, this.#trained) };
    const parameters = this.#part.parameters.map(({ isTrained }) => (isTrained ? parts.moving : parts.fixed).shift()!);
    await this.#runner.logits(validation, [...this.#held.slice(0, 2), ...parameters], (document, logits) => {
      const own = logits[labels[document]!]!;
      const largest = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
      crossEntropy += Math.log(total) + largest - own;
      if (logits.indexOf(largest) === labels[document]) correct++;
    });
    return { crossEntropy: crossEntropy / validation.length, accuracy: correct / validation.length };
  }

  #read(): Promise<Float64Array[]> {
    const trained = this.#held.slice(0, this.#trained);
    return Promise.all(
      trained.map(async (buffer) => Float64Array.from((await this.#backend.download(buffer)) as Float32Array)),
    );
  }

  dispose(): void {
    for (const buffer of [...this.#held, ...this.#fixed]) this.#backend.free(buffer);
    this.#held = [];
  }
}
