import { fit, type FitProgress, type ReadoutOutput, type TokenSource } from '@ddcl/core/fit';
import { Readout } from '@ddcl/readout';
import { joinFeatures, type FeatureMatrix } from './feature-matrix.ts';
import { poolFeatures, readoutFeatures, type Features } from './features.ts';
import { addVectorRow, type RowContext } from './score-vectors.ts';

/** Residuals of more numbers than this are left out. */
const mostNumbers = 1 << 15;

/** Fits K prototypes, to be applied at the first of the temperatures. */
export async function fitReadout(
  { backend, seed, steps, temperatures, tell }: RowContext,
  source: TokenSource,
  prototypes: number,
): Promise<Readout> {
  const onProgress = ({ phase, done, total }: FitProgress): void =>
    tell(phase === 'fit' ? `step ${done} of ${total}` : `${phase} of a fit`);
  const { model } = await fit(backend, source, { prototypes, steps, seed, records: 2, onProgress });
  const temperature = temperatures[0]! * model.criticalTemperature;
  return Readout.fromModel({ ...model, temperature }, { backend });
}

/** What DDCL prototypes give: pooled, occupancy, residuals, and the two joined to the mean. */
export async function prototypeRows(context: RowContext, readout: Readout): Promise<void> {
  const { data, readouts, temperatures, tell } = context;
  const { count, dimension, criticalTemperature } = readout.model;
  const outputs: ReadoutOutput[] = ['pooled', 'occupancy'];
  if (count * dimension <= mostNumbers) outputs.push('residuals');
  const mean = await poolFeatures(data, 'mean');
  for (const temperatureShare of temperatures) {
    const features = await readoutFeatures(readout, data, outputs, temperatureShare * criticalTemperature);
    /** @param make large, so made where it is asked for */
    const add = async (name: string, make: () => Features, more: { readonly numbers?: number } = {}): Promise<void> => {
      if (readouts !== undefined && !readouts.includes(name)) return;
      tell(name);
      await addVectorRow(context, name, make(), { prototypes: count, temperatureShare, ...more });
    };
    for (const output of outputs) {
      const own = features(output);
      await add(output, () => own);
      // A bit each: 32 of them take the place of one number.
      if (output === 'residuals')
        await add('binary residuals', () => each(own, signs), { numbers: Math.ceil(own.train.width / 32) });
      if (output === 'pooled') continue;
      await add(`mean + ${output}`, () => each(own, (matrix, split) => joinFeatures(mean[split], matrix)));
    }
  }
}

/** Features of both splits, made anew. */
const each = (
  features: Features,
  make: (matrix: FeatureMatrix, split: 'train' | 'test') => FeatureMatrix,
): Features => ({ ...features, train: make(features.train, 'train'), test: make(features.test, 'test') });

/** +1 for what is above 0, else -1: what `precision: 'binary'` keeps. */
const signs = (features: FeatureMatrix): FeatureMatrix => ({
  ...features,
  data: features.data.map((value) => (value > 0 ? 1 : -1)),
});
