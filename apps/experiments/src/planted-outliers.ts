import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import { bestRun, kMeansRuns } from './k-means.ts';
import { runFit } from './run-fits.ts';
import { spreadOf } from './statistics.ts';
import { markdownTable, provenance } from './table.ts';

const dimension = 16;
const clusters = 8;

/**
 * Eight centres drawn from N(0, 9 I) in 16 dimensions with unit Gaussian clusters; 1 % of the tokens get noise of 2.5 times
 * the overall standard deviation added.
 */
export function drawPlantedOutliers(tokens: number, seed: number): Float64Array {
  const random = createRandom(1000 + seed);
  const centres = Float64Array.from({ length: clusters * dimension }, () => 3 * random.normal());
  const data = new Float64Array(tokens * dimension);
  for (let token = 0; token < tokens; token++) {
    const centre = random.integer(clusters);
    for (let axis = 0; axis < dimension; axis++)
      data[token * dimension + axis] = centres[centre * dimension + axis]! + random.normal();
  }
  const { deviation } = spreadOf(Array.from(data));
  const order = random.permutation(tokens);
  for (let index = 0; index < tokens / 100; index++) {
    for (let axis = 0; axis < dimension; axis++)
      data[order[index]! * dimension + axis]! += 2.5 * deviation * random.normal();
  }
  return data;
}

/** One data set, one number of prototypes. */
export interface PlantedResult {
  readonly prototypes: number;
  readonly seed: number;
  readonly hard: number;
  readonly used: number;
  readonly distinct: number;
  /** Hard error of each restart. */
  readonly restarts: readonly number[];
  /** Hard error of k-means, best of 10. */
  readonly kMeans: number;
}

export interface PlantedOptions {
  readonly prototypes: readonly number[];
  readonly seeds: number;
  readonly restarts: number;
  readonly cache?: string;
}

const tokens = 5000;

/** Runs what the cache does not have; `progress` is told what is done. */
export async function plantedOutliers(
  options: PlantedOptions,
  progress: (text: string) => void,
): Promise<readonly PlantedResult[]> {
  const { cache, restarts } = options;
  const known: PlantedResult[] =
    cache === undefined || !existsSync(cache)
      ? []
      : readFileSync(cache, 'utf8')
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line) as PlantedResult);
  const backend = cpuBackend();
  const results: PlantedResult[] = [];
  for (const prototypes of options.prototypes) {
    for (let seed = 0; seed < options.seeds; seed++) {
      const found = known.find(
        (own) => own.prototypes === prototypes && own.seed === seed && own.restarts.length === restarts,
      );
      const result = found ?? (await runOne(prototypes, seed));
      if (found === undefined && cache !== undefined) appendFileSync(cache, `${JSON.stringify(result)}\n`);
      progress(`K = ${prototypes}, data ${seed}: ${excess(result.hard, result)}`);
      results.push(result);
    }
  }
  backend.dispose();
  return results;

  async function runOne(prototypes: number, seed: number): Promise<PlantedResult> {
    const data = drawPlantedOutliers(tokens, seed);
    const kMeans = bestRun(
      kMeansRuns(
        data,
        dimension,
        prototypes,
        Array.from({ length: 10 }, (_, run) => run),
      ),
    ).hard;
    const { hard, used, distinct, restarts: errors } = await runFit(backend, data, dimension, { prototypes, restarts });
    return { prototypes, seed, hard, used, distinct, restarts: errors, kMeans };
  }
}

function excess(hard: number, { kMeans }: PlantedResult): string {
  return `${((hard / kMeans - 1) * 100).toFixed(2)} %`;
}

/** Within 1 % of k-means' best of 10, and no prototype unused. */
function holds({ hard, used, kMeans }: PlantedResult): boolean {
  return used === 1 && hard <= 1.01 * kMeans;
}

const introduction = `# Planted outliers

Eight centres drawn from N(0, 9 I) in 16 dimensions with unit Gaussian clusters, 5,000 tokens; 1 % of them get noise of 2.5 times the
overall standard deviation added. Default settings; the restart with the lowest hard error is kept. Percentages are the hard quantization error
against k-means (k-means++, best of 10; ml-kmeans): negative is better than k-means. \`single\` is the first restart alone.`;

/** The page of docs/results. */
export function plantedOutliersPage(results: readonly PlantedResult[], command: string): string {
  const rows = results.map((own) => [
    String(own.prototypes),
    String(own.seed),
    own.hard.toFixed(4),
    own.kMeans.toFixed(4),
    excess(own.hard, own),
    excess(own.restarts[0]!, own),
    excess(Math.max(...own.restarts), own),
    `${Math.round(own.used * own.prototypes)} / ${own.prototypes}`,
    String(own.distinct),
  ]);
  const summary = [...new Set(results.map(({ prototypes }) => prototypes))].map((prototypes) => {
    const own = results.filter((result) => result.prototypes === prototypes);
    const single = own.filter((result) => result.restarts[0]! <= 1.01 * result.kMeans).length;
    return [
      String(prototypes),
      `${own.filter(holds).length} of ${own.length}`,
      `${single} of ${own.length}`,
      String(own.filter(({ used }) => used < 1).length),
    ];
  });
  return [
    introduction,
    markdownTable(['K', 'within 1 %, all used', 'a single fit within 1 %', 'with an unused prototype'], summary),
    `In all: ${results.filter(holds).length} of ${results.length}.`,
    markdownTable(['K', 'data', 'hard error', 'k-means', 'kept', 'single', 'worst restart', 'used', 'distinct'], rows),
    provenance(command),
    '',
  ].join('\n\n');
}
