import { DdclError } from '@ddcl/core';
import {
  isSegmentOutput,
  modelFromBytes,
  modelToBytes,
  outputShape,
  requirePlainModel,
  type DdclModel,
} from '@ddcl/core/fit';
import { requireSaved } from './config-checks.ts';
import { ddclLayerClass, type DdclLayer } from './ddcl-layer.ts';
import { readoutConfig, readoutOptions, type ReadoutLayerOptions } from './readout-config.ts';
import { readoutLayerPart } from './readout-part.ts';
import type { TfConfig, TfjsLayers, TfLayer, TfShape } from './tf-layers.ts';

/** A readout as a layer: tokens [B, L, m] to what `outputs` says, with the mask that layers before it made. */
export interface DDCLReadoutLayer extends DdclLayer {
  /** The prototypes with what is needed to apply them: plain data, for `Readout.fromModel` and all else that takes a model. */
  readModel(): Promise<DdclModel>;
  /** The `model.safetensors` of a ddcl model folder. */
  toModelBytes(): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Takes over the prototypes and the temperature of a model. In training a temperature that follows T_c goes on from there.
   *
   * @throws DdclError `shape` for another K or m
   */
  writeModel(model: DdclModel): void;
  /** As {@link writeModel}. @throws DdclError `format` for bytes that are no model */
  fromModelBytes(bytes: Uint8Array | ArrayBuffer): void;
}

/** The class, of one tfjs. */
export interface DDCLReadoutClass {
  readonly className: 'DDCLReadout';
  new (options: ReadoutLayerOptions & Readonly<Record<string, unknown>>): DDCLReadoutLayer;
}

export function readoutLayerClass(tf: TfjsLayers): DDCLReadoutClass {
  class DDCLReadout extends ddclLayerClass(tf) implements DDCLReadoutLayer {
    static readonly className = 'DDCLReadout' as const;

    /** Of a saved model, and of one that tfjs copies. */
    static fromConfig(make: new (options: never) => TfLayer, config: TfConfig): TfLayer {
      requireSaved('DDCLReadout', config, readoutOptions);
      return new make(config as never);
    }

    constructor(options: ReadoutLayerOptions & Readonly<Record<string, unknown>>) {
      const config = readoutConfig(options);
      const { outputs, isList, prototypes, temperature, ...rest } = config;
      const shapesOf = ([batch, length, dimension]: TfShape): TfShape[] =>
        outputs.map((output) => {
          const own = outputShape(output, { count: prototypes, dimension: dimension! });
          return isSegmentOutput(output) ? [batch!, ...own] : [batch!, length!, ...own];
        });
      super(
        {
          className: 'DDCLReadout',
          ranks: [3, 3],
          seed: config.seed,
          part: (dimension) => readoutLayerPart(config, dimension),
          config: {
            ...rest,
            prototypes,
            outputs: isList ? [...outputs] : outputs[0]!,
            temperature: temperature as unknown as TfConfig,
          },
          isList,
          outputShapes: shapesOf,
          isPerToken: outputs.map((output) => !isSegmentOutput(output)),
          temperatureRemedy: 'Give the layer temperature: { ofCritical: 0.3 }, which follows T_c, or a lower number.',
        },
        options,
      );
    }

    async readModel(): Promise<DdclModel> {
      const [prototypes] = await this.readPrototypes();
      const [averages, temperature] = await Promise.all(
        ['averages', 'temperature'].map((name) => this.owned.get(name)!.read().data()),
      );
      const [sum, weight, , totalVariance] = averages!;
      if (!(weight! > 0))
        throw new DdclError(
          'argument',
          `DDCLReadout '${this.name}' has seen no tokens yet, and its prototypes mean nothing. Train the model first.`,
        );
      const { count } = this.part;
      const dimension = prototypes!.length / count;
      const offset = new Float64Array(dimension);
      prototypes!.forEach((value, index) => (offset[index % dimension]! += value / count));
      return {
        count,
        dimension,
        dtype: 'float32',
        prototypes: Float64Array.from(prototypes!),
        temperature: temperature![0]!,
        criticalTemperature: (4 * sum!) / weight!,
        offset,
        scale: Math.sqrt(totalVariance! / dimension) || 1,
        totalVariance: totalVariance!,
      };
    }

    async toModelBytes(): Promise<Uint8Array<ArrayBuffer>> {
      return modelToBytes(await this.readModel());
    }

    writeModel(model: DdclModel): void {
      requirePlainModel(model);
      const { shape } = this.part.weights[0]!;
      const [count, dimension] = shape as [number, number];
      if (model.count !== count || model.dimension !== dimension)
        throw new DdclError(
          'shape',
          `DDCLReadout '${this.name}' has ${count} prototypes of ${dimension} numbers, but the model has ${model.count} of ${model.dimension}. Make the layer with { prototypes: ${model.count} } on tokens [B, L, ${model.dimension}].`,
          { shapes: [shape, [model.count, model.dimension]] },
        );
      const { totalVariance, criticalTemperature, temperature } = model;
      const unit = Math.sqrt(totalVariance / dimension) || 1;
      const largest = criticalTemperature / 4;
      tf.tidy(() => {
        const write = (name: string, values: number[], sizes: number[]): void =>
          void this.owned.get(name)!.write(tf.tensor(values, sizes, 'float32'));
        const rate = this.owned.get('rate')!.read();
        write('unit', [unit], []);
        write('averages', [largest, 1, largest, totalVariance, totalVariance], [5]);
        write('temperature', [temperature], []);
        const prototypes = tf.tensor(Float32Array.from(model.prototypes), [count, dimension]);
        this.owned.get('prototypes')!.write(tf.div(prototypes, tf.mul(rate, unit)));
      });
    }

    fromModelBytes(bytes: Uint8Array | ArrayBuffer): void {
      this.writeModel(modelFromBytes(bytes));
    }
  }
  return DDCLReadout;
}
