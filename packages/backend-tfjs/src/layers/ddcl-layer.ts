import { createRandom } from '@ddcl/core';
import { BoundedCache, DdclError } from '@ddcl/core/backend';
import { asTfjsOp, type TfjsOp } from '../op/as-tfjs-op.ts';
import type { TfTensor } from '../tfjs.ts';
import { layerFormatVersion } from './config-checks.ts';
import { ExtraLoss } from './extra-loss.ts';
import { guardWeight, requireSeen } from './guard-weight.ts';
import type { LayerPart } from './layer-part.ts';
import { maskSource } from './mask-source.ts';
import { requireFinite, requireTokens } from './require-tokens.ts';
import type { TfConfig, TfjsLayers, TfLayer, TfShape, TfWeight } from './tf-layers.ts';
import { ReportSums, type StepReports } from './watch.ts';

/** For how many shapes of tokens a layer keeps its programs. */
const shapesPerLayer = 16;

/** What both layers have beside what every layer of tfjs has. */
export interface DdclLayer extends TfLayer {
  /** Training batches seen, those before a save included. */
  readonly step: number;
  /** Whether steps report what a certificate needs, which costs two products more. */
  isWatched: boolean;
  /** What steps reported since the last time; undefined if there were none. */
  takeReports(): Promise<StepReports | undefined>;
  /** The prototypes [K, m] of each codebook, in the tokens' units (of a quantizer with a norm, in its units). */
  readPrototypes(): Promise<Float32Array[]>;
  /** The prototypes' learning rate over that of the optimiser. */
  readRateRatio(): Promise<number>;
  /** Length of a prototype. */
  readonly codeDimension: number;
  /** What to do where T reaches T_c. */
  readonly temperatureRemedy: string;
}

/** What a layer is made of. */
export interface LayerDefinition {
  readonly className: string;
  /** Fewest sizes of its input, and most. */
  readonly ranks: readonly [number, number];
  readonly seed: number;
  readonly part: (dimension: number) => LayerPart;
  /** Saved, and given to the constructor when it is loaded. */
  readonly config: TfConfig;
  readonly isList: boolean;
  /** Of an input [..., m]; `null` for sizes that are not known. */
  readonly outputShapes: (shape: TfShape) => TfShape[];
  /** Whether an output has a row per token, so that the mask goes on with it. */
  readonly isPerToken: readonly boolean[];
  readonly temperatureRemedy: string;
}

/** The constructor's argument: options of the layer and those of tfjs. */
type Given = Readonly<Record<string, unknown>>;

/** A call in training, and what it gave. */
interface Call {
  readonly tape: unknown;
  readonly tokens: TfTensor | undefined;
  readonly last: TfTensor[];
}

const noCall: Call = { tape: undefined, tokens: undefined, last: [] };

type DdclLayerClass = abstract new (
  definition: LayerDefinition,
  given: Given,
) => DdclLayer & {
  /** Weights by name, and what they hold. */
  readonly owned: ReadonlyMap<string, TfWeight>;
  readonly part: LayerPart;
};

/** The layer that both are, on the tfjs it is given. */
export function ddclLayerClass(tf: TfjsLayers): DdclLayerClass {
  abstract class Base extends tf.layers.Layer implements DdclLayer {
    readonly #definition: LayerDefinition;
    readonly #extra: ExtraLoss = new ExtraLoss(tf);
    readonly #reports: ReportSums = new ReportSums(tf);
    readonly #ops: BoundedCache<TfjsOp> = new BoundedCache<TfjsOp>(shapesPerLayer);
    readonly owned: Map<string, TfWeight> = new Map();
    #part: LayerPart | undefined;
    #dimension = 0;
    /** tfjs calls a layer once for each of its outputs that a model uses: they are of one step. */
    #again: Call = noCall;
    #hasStarted = false;
    /** The numbers that were last found to be of prototypes that have seen tokens. */
    #seen: object | undefined;
    isWatched = false;
    step: number;

    constructor(definition: LayerDefinition, given: Given) {
      super(given as never);
      this.#definition = definition;
      this.step = (given['step'] as number | undefined) ?? 0;
      this.supportsMasking = true;
    }

    get part(): LayerPart {
      if (this.#part !== undefined) return this.#part;
      throw new DdclError(
        'argument',
        `${this.#named} has no weights before it is part of a model or was called. Add it to a model first.`,
      );
    }

    get #sizes(): string {
      const [least, most] = this.#definition.ranks;
      return least === most ? 'tokens [B, L, m]' : 'latents [B, ..., m]';
    }

    get #named(): string {
      return `${this.#definition.className} '${this.name}'`;
    }

    override build(inputShape: TfShape | TfShape[]): void {
      const shape = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as TfShape;
      const [least, most] = this.#definition.ranks;
      const dimension = shape.at(-1);
      if (shape.length < least || shape.length > most || !(Number(dimension) >= 1))
        throw new DdclError(
          'shape',
          `${this.#named} takes ${this.#sizes} with a known m, but its input is [${shape.map((size) => size ?? '?').join(', ')}].`,
        );
      this.#dimension = dimension!;
      this.#part = this.#definition.part(dimension!);
      for (const { name, shape: own, role, data } of this.#part.weights) {
        const initializer = { apply: (sizes: number[]) => tf.tensor(data, sizes, 'float32') };
        const weight = this.addWeight(name, [...own], 'float32', initializer as never, undefined, role !== 'carried');
        guardWeight(this.#named, name, weight);
        this.owned.set(name, weight);
      }
      super.build(inputShape);
    }

    override call(inputs: TfTensor | TfTensor[], kwargs: Record<string, unknown>): TfTensor | TfTensor[] {
      const tokens = Array.isArray(inputs) ? inputs[0]! : inputs;
      this.invokeCallHook(inputs, kwargs);
      if (tokens instanceof tf.Tensor) requireTokens(this.#named, tokens, this.#sizes, this.#dimension);
      const isTraining = kwargs['training'] === true;
      const tape: unknown = tf.engine().state.activeTape;
      const { last } = this.#again;
      if (
        isTraining &&
        this.#again.tape === tape &&
        this.#again.tokens === tokens &&
        !last.some((each) => each.isDisposed)
      )
        return this.#definition.isList ? last : last[0]!;
      const outputs = tf.tidy(() => {
        const weights = this.#weightsOf(tokens, kwargs['mask']);
        return isTraining ? this.#train(tokens, weights) : this.#apply(tokens, weights);
      });
      this.#again = isTraining && tape ? { tape, tokens, last: outputs } : noCall;
      return this.#definition.isList ? outputs : outputs[0]!;
    }

    /** What the last call in training left; `model.fit` adds it to the loss. */
    override calculateLosses(): ReturnType<TfLayer['calculateLosses']> {
      return [...super.calculateLosses(), ...(this.#extra.take() as ReturnType<TfLayer['calculateLosses']>)];
    }

    override computeOutputShape(inputShape: TfShape | TfShape[]): TfShape | TfShape[] {
      const shape = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as TfShape;
      const shapes = this.#definition.outputShapes(shape);
      return this.#definition.isList ? shapes : shapes[0]!;
    }

    override computeMask(_inputs: TfTensor | TfTensor[], mask?: TfTensor | TfTensor[]): TfTensor | TfTensor[] {
      const own = (Array.isArray(mask) ? mask[0] : mask) ?? null;
      const masks = this.#definition.isPerToken.map((goesOn) => (goesOn ? own : null));
      return (this.#definition.isList ? masks : masks[0]) as TfTensor | TfTensor[];
    }

    override getConfig(): TfConfig {
      return { ...super.getConfig(), ...this.#definition.config, version: layerFormatVersion, step: this.step };
    }

    get codeDimension(): number {
      return this.part.weights.find(({ role }) => role === 'prototypes')!.shape[1]!;
    }

    get temperatureRemedy(): string {
      return this.#definition.temperatureRemedy;
    }

    takeReports(): Promise<StepReports | undefined> {
      return this.#reports.take();
    }

    async readPrototypes(): Promise<Float32Array[]> {
      const prototypes = this.part.weights.filter(({ role }) => role === 'prototypes');
      const [unit, rate] = await Promise.all([this.#read('unit'), this.#read('rate')]);
      const factor = Math.fround(unit[0]! * rate[0]!);
      const all = await Promise.all(prototypes.map(({ name }) => this.#read(name)));
      return all.map((values) => Float32Array.from(values, (value) => value * factor));
    }

    async readRateRatio(): Promise<number> {
      return (await this.#read('rate'))[0]!;
    }

    protected override disposeWeights(): number {
      this.#extra.dispose();
      this.#reports.dispose();
      return super.disposeWeights();
    }

    #read(name: string): Promise<Float32Array | Int32Array | Uint8Array> {
      return this.owned.get(name)!.read().data();
    }

    #values(): TfTensor[] {
      return this.part.weights.map(({ name }) => this.owned.get(name)!.read());
    }

    #op(key: string, make: () => Parameters<typeof asTfjsOp>[1]): TfjsOp {
      const known = this.#ops.get(key);
      if (known !== undefined) return known;
      const op = asTfjsOp(tf, make());
      this.#ops.set(key, op);
      return op;
    }

    #apply(tokens: TfTensor, weights: TfTensor): TfTensor[] {
      this.#requireSeen();
      const { shape } = tokens;
      return this.#op(`apply ${shape.join()}`, () => this.part.apply(shape))(tokens, weights, ...this.#values());
    }

    #train(tokens: TfTensor, weights: TfTensor): TfTensor[] {
      const { part, isWatched } = this;
      const { shape } = tokens;
      this.#start(tokens, weights);
      const count = shape.slice(0, -1).reduce((product, size) => product * size, 1);
      const more = part.inputs(this.step, count).map(({ type, data }) => tf.tensor(data, [...type.shape]));
      const op = this.#op(`train ${isWatched} ${shape.join()}`, () => part.train(shape, isWatched));
      const results = op(tokens, weights, ...this.#values(), ...more);
      const outputs = results.splice(0, part.outputs);
      this.#extra.leave(results.shift()!);
      for (const { name, role } of part.weights) if (role === 'carried') this.owned.get(name)!.write(results.shift()!);
      if (isWatched) this.#reports.add(results[0]!, results[1]!);
      this.step++;
      return outputs;
    }

    /** Prototypes that have seen no tokens start among those of the first batch. */
    #start(tokens: TfTensor, weights: TfTensor): void {
      if (this.#hasStarted) return;
      requireFinite(this.#named, tokens, weights);
      this.#hasStarted = true;
      const { part } = this;
      if (part.start === undefined) return;
      const { shape } = tokens;
      const [count, dimension] = [part.count, shape.at(-1)!];
      const random = createRandom(this.#definition.seed).fork('start');
      const normals = Float32Array.from({ length: count * dimension }, () => random.normal());
      const op = asTfjsOp(tf, part.start(shape));
      const next = op(tokens, weights, ...this.#values(), tf.tensor(normals, [count, dimension]));
      part.weights.forEach(({ name }, index) => this.owned.get(name)!.write(next[index]!));
    }

    /** @throws DdclError `argument` where prototypes have no place yet */
    #requireSeen(): void {
      const { seen } = this.part;
      if (seen === undefined || this.#hasStarted) return;
      const [name, place] = seen;
      const weight = this.owned.get(name)!.read();
      // Read once for each time that weights are written: it waits for the device.
      if (weight.dataId === this.#seen) return;
      requireSeen(this.#named, weight.dataSync()[place]!);
      this.#seen = weight.dataId;
    }

    /** Whether no output has a row per token, that the mask could go on with. */
    get endsMask(): boolean {
      return !this.#definition.isPerToken.includes(true);
    }

    /** A weight per token: the mask, or 1. */
    #weightsOf(tokens: TfTensor, mask: unknown): TfTensor {
      const shape = tokens.shape.slice(0, -1);
      const source = maskSource(this);
      if (mask === undefined || mask === null || source === 'none') return tf.ones(shape);
      const given = mask as TfTensor;
      const isRight = given.shape.join() === shape.join();
      // What stands on an input may see the mask of another branch.
      if (!isRight && source === 'input') return tf.ones(shape);
      if (!isRight)
        throw new DdclError(
          'shape',
          `${this.#named} takes a mask [${shape.join(', ')}], a number for each token of [${tokens.shape.join(', ')}], but got [${given.shape.join(', ')}]. Mask the same tokens as the layer's input has.`,
          { shapes: [tokens.shape, given.shape] },
        );
      return tf.cast(given, 'float32');
    }
  }
  return Base;
}
