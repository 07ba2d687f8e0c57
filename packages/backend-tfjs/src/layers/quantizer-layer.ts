import { DdclError } from '@ddcl/core';
import { stateFromBytes, stateToBytes, type QuantizerState } from '@ddcl/vq';
import { requireSaved } from './config-checks.ts';
import { ddclLayerClass, type DdclLayer } from './ddcl-layer.ts';
import { quantizerConfig, savedOptions, type QuantizerLayerOptions } from './quantizer-config.ts';
import { quantizerLayerPart, quantizerLayerState } from './quantizer-part.ts';
import type { TfConfig, TfjsLayers, TfLayer, TfShape } from './tf-layers.ts';

/** A codebook as a layer: latents [B, ..., m] to mixtures of codes in training, and to the vectors of the nearest codes else. */
export interface DDCLQuantizerLayer extends DdclLayer {
  /** The quantizer as plain data, for `quantize`, `decode` and all else of @ddcl/vq. */
  readState(): Promise<QuantizerState>;
  /** The `quantizer.safetensors` of a ddcl model folder. */
  toBytes(): Promise<Uint8Array<ArrayBuffer>>;
  /** Takes over a state, such as one of `initialize`. @throws DdclError `argument` or `shape` for one that does not fit */
  writeState(state: QuantizerState): void;
  /** As {@link writeState}. @throws DdclError `format` for bytes that are no state */
  fromBytes(bytes: Uint8Array | ArrayBuffer): void;
}

/** The class, of one tfjs. */
export interface DDCLQuantizerClass {
  readonly className: 'DDCLQuantizer';
  new (options: QuantizerLayerOptions & Readonly<Record<string, unknown>>): DDCLQuantizerLayer;
}

export function quantizerLayerClass(tf: TfjsLayers): DDCLQuantizerClass {
  class DDCLQuantizer extends ddclLayerClass(tf) implements DDCLQuantizerLayer {
    static readonly className = 'DDCLQuantizer' as const;

    /** Of a saved model, and of one that tfjs copies. */
    static fromConfig(make: new (options: never) => TfLayer, config: TfConfig): TfLayer {
      requireSaved('DDCLQuantizer', config, savedOptions);
      return new make(config as never);
    }
    readonly #stateOf: (dimension: number) => QuantizerState;
    #dimension = 0;

    constructor(options: QuantizerLayerOptions & Readonly<Record<string, unknown>>) {
      const config = quantizerConfig(options);
      const { outputs, isList, codes, steps, rateRatio, seed, schedule, spec } = config;
      const { kind: _kind, codes: _codes, ...specOptions } = spec;
      super(
        {
          className: 'DDCLQuantizer',
          ranks: [2, 8],
          seed,
          part: (dimension) => {
            this.#dimension = dimension;
            return quantizerLayerPart(config, dimension);
          },
          config: {
            ...(specOptions as TfConfig),
            codes,
            steps,
            rateRatio,
            seed,
            schedule: schedule as TfConfig,
            outputs: isList ? [...outputs] : outputs[0]!,
          },
          isList,
          outputShapes: (shape: TfShape) =>
            outputs.map((output) =>
              output === 'vectors' ? shape : [...shape.slice(0, -1), (spec.heads ?? 1) * (spec.depth ?? 1)],
            ),
          isPerToken: outputs.map(() => true),
          temperatureRemedy: 'Give the layer a lower schedule: { start }, such as 0.02, or a lower tracking.',
        },
        options,
      );
      this.#stateOf = (dimension) => quantizerLayerState(config, dimension);
    }

    async readState(): Promise<QuantizerState> {
      const { part } = this;
      const { spec, tensors } = this.#stateOf(this.#dimension);
      const codes = await this.readPrototypes();
      const names = part.weights.filter(({ role }) => role === 'prototypes').map(({ name }) => name);
      const read = Object.keys(tensors).map(async (name): Promise<[string, Float32Array]> => {
        const index = names.indexOf(name);
        return [name, index >= 0 ? codes[index]! : Float32Array.from(await this.owned.get(name)!.read().data())];
      });
      return { spec, tensors: Object.fromEntries(await Promise.all(read)) };
    }

    async toBytes(): Promise<Uint8Array<ArrayBuffer>> {
      return stateToBytes(await this.readState());
    }

    writeState(state: QuantizerState): void {
      // Checks it, and that it is of the same spec.
      stateToBytes(state);
      const { part } = this;
      const own = part.weights.filter(({ name }) => name !== 'unit' && name !== 'rate');
      const wrong = own.find(({ name, data }) => state.tensors[name]?.length !== data.length);
      if (wrong !== undefined || Object.keys(state.tensors).length !== own.length)
        throw new DdclError(
          'shape',
          `DDCLQuantizer '${this.name}' holds ${own.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', ')}, but the state ${Object.keys(state.tensors).join(', ')} of ${JSON.stringify(state.spec)}. Make the layer with the options of its spec.`,
        );
      tf.tidy(() => {
        const factor = tf.mul(this.owned.get('unit')!.read(), this.owned.get('rate')!.read());
        for (const { name, shape, role } of own) {
          const values = tf.tensor(state.tensors[name]!, [...shape], 'float32');
          this.owned.get(name)!.write(role === 'prototypes' ? tf.div(values, factor) : values);
        }
      });
    }

    fromBytes(bytes: Uint8Array | ArrayBuffer): void {
      this.writeState(stateFromBytes(bytes));
    }
  }
  return DDCLQuantizer;
}
