import { fit, type ReadoutOutput, type TokenSource } from '@ddcl/core/fit';
import { Readout } from '@ddcl/readout';
import type { CompareData } from './documents.ts';
import { joinFeatures, type FeatureMatrix } from './feature-matrix.ts';
import { poolFeatures, readoutFeatures, type TimedFeatures } from './features.ts';
import type { RowTable } from './rows.ts';
import { scoreVectors, type Judgement } from './score-vectors.ts';

/** How prototypes are fitted and applied. */
export interface PrototypeSettings {
  readonly steps: number;
  /** T / T_c at which they are applied; the first one is what they are fitted at. */
  readonly temperatureShares: readonly number[];
  /** Residuals of more numbers than this are left out. */
  readonly mostNumbers: number;
}

/** Fits K prototypes. */
export async function fitReadout(
  { backend }: Judgement,
  source: TokenSource,
  prototypes: number,
  seed: number,
  { steps, temperatureShares }: Pick<PrototypeSettings, 'steps' | 'temperatureShares'>,
): Promise<Readout> {
  const { model } = await fit(backend, source, { prototypes, steps, seed, records: 2 });
  const temperature = temperatureShares[0]! * model.criticalTemperature;
  return Readout.fromModel({ ...model, temperature }, { backend });
}

/** What DDCL prototypes give: pooled, occupancy, residuals, and the two joined to the mean. */
export async function prototypeRows(
  judgement: Judgement,
  { train, test }: CompareData,
  readout: Readout,
  seed: number,
  { temperatureShares, mostNumbers }: PrototypeSettings,
  table: Pick<RowTable, 'add'>,
  onRow: (name: string) => void,
): Promise<void> {
  const { count, dimension, criticalTemperature } = readout.model;
  const outputs: ReadoutOutput[] = ['pooled', 'occupancy'];
  if (count * dimension <= mostNumbers) outputs.push('residuals');
  const means = [await poolFeatures(train.sequences, 'mean'), await poolFeatures(test.sequences, 'mean')] as const;
  for (const share of temperatureShares) {
    const options = { temperature: share * criticalTemperature };
    const own = await readoutFeatures(readout, train.sequences, outputs, options);
    const other = await readoutFeatures(readout, test.sequences, outputs, options);
    const add = async (name: string, one: FeatureMatrix, two: FeatureMatrix, microseconds: number): Promise<void> => {
      onRow(`${name}, K = ${count}`);
      const scores = await scoreVectors(judgement, one, two, seed, microseconds);
      table.add(
        {
          readout: name,
          prototypes: count,
          vectors: null,
          temperatureShare: share,
          // A bit each: 32 of them take the place of one number.
          numbers: name === 'binary residuals' ? Math.ceil(one.width / 32) : one.width,
        },
        scores,
      );
    };
    for (const output of outputs) {
      const [a, b] = [own.get(output)!, other.get(output)!];
      await add(output, a.features, b.features, b.microsecondsPerDocument);
      if (output === 'residuals')
        await add('binary residuals', signs(a.features), signs(b.features), b.microsecondsPerDocument);
      if (output === 'pooled') continue;
      await add(`mean + ${output}`, join(means[0], a), join(means[1], b), b.microsecondsPerDocument);
    }
  }
}

const join = (mean: TimedFeatures, other: TimedFeatures): FeatureMatrix => joinFeatures(mean.features, other.features);

/** +1 for what is above 0, else -1: what `precision: 'binary'` keeps. */
const signs = (features: FeatureMatrix): FeatureMatrix => ({
  ...features,
  data: features.data.map((value) => (value > 0 ? 1 : -1)),
});
