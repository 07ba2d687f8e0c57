import { DdclError } from '@ddcl/core';
import { separation } from '@ddcl/core/metrics';
import type { DdclLayer } from './ddcl-layer.ts';
import { lostNumbers, stopTraining } from './lost-numbers.ts';
import type { TfLayer } from './tf-layers.ts';
import type { StepReports } from './watch.ts';

/** What a layer's prototypes were like in an epoch: means over its training batches, per unit of token weight. */
export interface CertificateRecord {
  /** The layer's name. */
  readonly layer: string;
  /** From 1. */
  readonly epoch: number;
  /** L_q = L_OLS + V (docs/math.md section 2), in the tokens' units squared; of residual levels the sum. */
  readonly lq: number;
  readonly lols: number;
  readonly v: number;
  /** Largest `|L_q - L_OLS - V| / L_q` of any batch: rounding only. */
  readonly defect: number;
  readonly temperature: number;
  /** T_c as it is followed. */
  readonly criticalTemperature: number;
  /** T / T_c; at 1 and above prototypes collapse. */
  readonly temperatureShare: number;
  /** T over T_c of the batches themselves, which is ahead of the one that is followed. */
  readonly temperatureRatio: number;
  /** Share of prototypes that were nearest to a token of positive weight, 0..1; mean over codebooks. */
  readonly use: number;
  /** Distances between prototypes at the end of the epoch, over all pairs of a codebook; mean and least over codebooks. */
  readonly separation: { readonly mean: number; readonly min: number };
  /** The encoder's learning rate over the prototypes': well under 1 where they settle faster than it moves (docs/math.md section 4). */
  readonly epsilon: number;
}

/** Where figures of training are shown: the module `@tensorflow/tfjs-vis`. */
export interface TfjsVis {
  readonly show: {
    history(
      container: { readonly name: string; readonly tab: string },
      history: { readonly history: Readonly<Record<string, number[]>> },
      metrics: string[],
    ): Promise<void>;
  };
}

export interface CertificateOptions {
  /** The model, whose layers are looked for, also in models inside it; or the layers. */
  readonly of: { readonly layers: readonly TfLayer[] } | readonly DdclLayer[];
  readonly onEpoch?: (record: CertificateRecord) => void;
  /** Default `console.warn`. */
  readonly onWarning?: (warning: string) => void;
  /** Shows each quantity as a curve over epochs. */
  readonly tfvis?: TfjsVis;
}

/** What `model.fit` takes among its callbacks, and what it found. */
export interface Certificate {
  readonly onTrainBegin: () => void;
  readonly onEpochEnd: (epoch: number, logs?: Record<string, number>) => Promise<void>;
  readonly onTrainEnd: () => void;
  readonly records: readonly CertificateRecord[];
}

/** Curves by name. */
const quantities: Readonly<Record<string, (record: CertificateRecord) => number>> = {
  lq: ({ lq }) => lq,
  lols: ({ lols }) => lols,
  v: ({ v }) => v,
  defect: ({ defect }) => defect,
  temperatureShare: ({ temperatureShare }) => temperatureShare,
  use: ({ use }) => use,
  separation: ({ separation: { mean } }) => mean,
  leastSeparation: ({ separation: { min } }) => min,
  epsilon: ({ epsilon }) => epsilon,
};

/** Above it the encoder no longer stands still while prototypes settle. */
const largestEpsilon = 0.5;

/**
 * The certificate of docs/math.md section 5, checked as training goes: a callback that adds each quantity to the logs of an epoch (so to the history, as
 * `<layer>/lq`, ...), shows them, and warns where T reaches T_c. Where the loss, L_q or prototypes are no numbers any more it
 * warns and ends the training; where `of` is not the model that is trained, `fit` rejects with that as `DdclError` `data`. Watched steps cost two products more.
 *
 *     await model.fit(x, y, { epochs: 10, callbacks: ddclCertificate({ of: model }) });
 *
 * @throws DdclError `argument` if there is no layer of this package
 */
export function ddclCertificate(options: CertificateOptions): Certificate {
  const { onEpoch, onWarning = toConsole, tfvis } = options;
  const layers = watchedLayers(options.of);
  const records: CertificateRecord[] = [];
  const curves: Record<string, number[]> = {};
  const warned = new Set<string>();
  return {
    records,
    onTrainBegin: () => layers.forEach((layer) => (layer.isWatched = true)),
    onTrainEnd: () => layers.forEach((layer) => (layer.isWatched = false)),
    onEpochEnd: async (epoch, logs = {}) => {
      for (const layer of layers) {
        const reports = await layer.takeReports();
        if (reports === undefined) continue;
        const lost = await lostNumbers(layer, { epoch: epoch + 1, lq: reports.mean.lq, loss: logs['loss'] });
        if (lost !== undefined) {
          stopTraining(options.of, lost);
          onWarning(lost);
          continue;
        }
        const record = await recordOf(layer, epoch + 1, reports);
        records.push(record);
        const own = Object.entries(quantities).map(([name, read]) => [`${layer.name}/${name}`, read(record)] as const);
        for (const [name, value] of own) {
          logs[name] = value;
          (curves[name] ??= []).push(value);
        }
        onEpoch?.(record);
        for (const [kind, warning] of warningsOf(layer, record)) {
          if (warned.has(`${layer.name} ${kind}`)) continue;
          warned.add(`${layer.name} ${kind}`);
          onWarning(warning);
        }
        const container = { name: layer.name, tab: 'DDCL' };
        const names = own.map(([name]) => name);
        await tfvis?.show.history(container, { history: curves }, names);
      }
    },
  };
}

const toConsole = (warning: string): void => {
  (globalThis as { console?: { warn(text: string): void } }).console?.warn(warning);
};

function watchedLayers(of: CertificateOptions['of']): DdclLayer[] {
  const found = (layers: readonly TfLayer[]): DdclLayer[] =>
    layers.flatMap((layer) => {
      if ('takeReports' in layer) return [layer as DdclLayer];
      return 'layers' in layer ? found(layer.layers as TfLayer[]) : [];
    });
  const layers = found(Array.isArray(of) ? of : ((of as { layers?: readonly TfLayer[] } | undefined)?.layers ?? []));
  if (layers.length > 0) return layers;
  throw new DdclError(
    'argument',
    'ddclCertificate takes a model that has a DDCLReadout or a DDCLQuantizer, or a list of such layers, as { of: model }, but found none.',
  );
}

async function recordOf(
  layer: DdclLayer,
  epoch: number,
  { mean, largest, shares }: StepReports,
): Promise<CertificateRecord> {
  const codebooks = await layer.readPrototypes();
  const dimension = layer.codeDimension;
  const apart = codebooks.map((codes) => separation(codes, codes.length / dimension, dimension));
  return {
    layer: layer.name,
    epoch,
    lq: mean.lq,
    lols: mean.lols,
    v: mean.v,
    defect: largest.defect,
    temperature: mean.temperature,
    criticalTemperature: mean.criticalTemperature,
    temperatureShare: mean.temperature / mean.criticalTemperature,
    temperatureRatio: mean.temperature / mean.batchCriticalTemperature,
    use: shares.reduce((used, share) => used + (share > 0 ? 1 : 0), 0) / shares.length,
    separation: {
      mean: apart.reduce((sum, each) => sum + each.mean, 0) / apart.length,
      min: Math.min(...apart.map((each) => each.min)),
    },
    epsilon: 1 / (await layer.readRateRatio()),
  };
}

function* warningsOf(layer: DdclLayer, record: CertificateRecord): Generator<readonly [kind: string, warning: string]> {
  const short = (value: number): string => String(Number(value.toPrecision(3)));
  const { epoch, temperature, temperatureShare, temperatureRatio, epsilon } = record;
  const place = `${layer.getClassName()} '${layer.name}', epoch ${epoch}`;
  const share = Math.max(temperatureShare, temperatureRatio);
  if (!(share < 1)) {
    const critical = short(temperature / share);
    yield [
      'temperature',
      `${place}: the temperature T = ${short(temperature)} is not below the critical temperature T_c = ${critical} of its tokens; at or above it all prototypes collapse into one point (docs/math.md section 5). ${layer.temperatureRemedy}`,
    ];
  }
  if (epsilon > largestEpsilon)
    yield [
      'timescales',
      `${place}: the timescales do not separate: epsilon = ${short(epsilon)}, the encoder's learning rate over that of the prototypes, should be well under 1 (docs/math.md section 4). Give the layer a larger rateRatio, such as 10.`,
    ];
}
